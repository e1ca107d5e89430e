import { status } from '@grpc/grpc-js';
import { Connection, defaultGrpcRetryOptions, isGrpcServiceError, makeGrpcRetryInterceptor } from '@temporalio/client';
import { expect, test } from 'vitest';
import { UntilClosed } from '../../src/clusters/until-closed.ts';

/** Without it the retry's timer throws "Channel has been shut down", which vitest reports as an error of its own. */
test('a call in the pause before its retry ends, with an error, when the connection is closed', async () => {
  const untilClosed = new UntilClosed();
  const connection = Connection.lazy({
    // Nobody listens there: refused, and tried again after a pause.
    address: '127.0.0.1:1',
    interceptors: [makeGrpcRetryInterceptor(defaultGrpcRetryOptions()), untilClosed.interceptor],
  });
  const call = connection.workflowService.getSystemInfo({}).then(
    () => undefined,
    (error: unknown) => error,
  );
  await new Promise((resolve) => setTimeout(resolve, 50));
  untilClosed.close();
  await connection.close();
  const error = await call;
  expect(isGrpcServiceError(error) && error.code).toBe(status.CANCELLED);
});
