/** The control namespace, where the migrations run. */
import { status } from '@grpc/grpc-js';
import type { Client } from '@temporalio/client';
import { searchAttributeKeys } from '../workflows/search-attributes.ts';
import { codeOf } from './calls.ts';

/** Upserting an unregistered attribute would block a workflow for ever: without them, they are left out. */
export async function ferryAttributesRegistered(client: Client): Promise<boolean> {
  try {
    const { namespace } = client.options;
    const answer = await client.connection.operatorService.listSearchAttributes({ namespace });
    return searchAttributeKeys.every(({ name }) => name in (answer.customAttributes ?? {}));
  } catch (error) {
    const code = codeOf(error);
    if (code === status.UNIMPLEMENTED || code === status.PERMISSION_DENIED || code === status.NOT_FOUND) return false;
    throw error;
  }
}
