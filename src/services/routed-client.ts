/** The SDK's own client over a connection that leads to the tenant's clusters. */
import {
  ActivityClient,
  Client,
  type ClientOptions,
  type ConnectionLike,
  type Metadata,
  ScheduleClient,
  type WorkflowExecution,
  WorkflowClient,
  type WorkflowService,
} from '@temporalio/client';
import { RoutingError } from './errors.ts';
import type { CallScope } from './scope.ts';

/** A tenant's: its clusters' connections are shared with all other tenants, so it is not closed by itself. */
export class RoutedConnection implements ConnectionLike {
  readonly workflowService: WorkflowService;
  readonly plugins = [];
  readonly #scope: CallScope;

  constructor(workflowService: WorkflowService, scope: CallScope) {
    this.workflowService = workflowService;
    this.#scope = scope;
  }

  get operatorService(): never {
    throw new TypeError(
      'the operator service is one cluster’s own: use TenantClients.connection(profile).operatorService',
    );
  }

  /** That the route is known and its cluster answers. */
  async ensureConnected(): Promise<void> {
    await this.workflowService.getSystemInfo({});
  }

  withDeadline<T>(deadline: number | Date, run: () => Promise<T>): Promise<T> {
    return this.#scope.with({ deadline }, run);
  }

  withMetadata<T>(metadata: Metadata, run: () => Promise<T>): Promise<T> {
    return this.#scope.with({ metadata }, run);
  }

  withAbortSignal<T>(abortSignal: AbortSignal, run: () => Promise<T>): Promise<T> {
    return this.#scope.with({ abortSignal }, run);
  }

  /** Does nothing: `TenantClients.close` closes. */
  async close(): Promise<void> {}
}

/** The SDK hides what is no gRPC error in one that says "Unexpected error": ours are for people, and thrown as they are. */
class RoutedWorkflowClient extends WorkflowClient {
  protected override rethrowGrpcError(error: unknown, message: string, execution?: WorkflowExecution): never {
    if (error instanceof RoutingError) throw error;
    return super.rethrowGrpcError(error, message, execution);
  }
}

class RoutedScheduleClient extends ScheduleClient {
  protected override rethrowGrpcError(error: unknown, message: string, scheduleId?: string): never {
    if (error instanceof RoutingError) throw error;
    return super.rethrowGrpcError(error, message, scheduleId);
  }
}

class RoutedActivityClient extends ActivityClient {
  protected override rethrowGrpcError(error: unknown, message: string): never {
    if (error instanceof RoutingError) throw error;
    return super.rethrowGrpcError(error, message);
  }

  protected override handleError(error: unknown): never {
    if (error instanceof RoutingError) throw error;
    return super.handleError(error);
  }
}

export function routedClient(connection: RoutedConnection, options: Omit<ClientOptions, 'connection'>): Client {
  const client = new Client({ ...options, connection });
  return Object.defineProperties(client, {
    workflow: { value: new RoutedWorkflowClient(client.workflow.options), enumerable: true },
    activity: { value: new RoutedActivityClient(client.activity.options), enumerable: true },
    schedule: { value: new RoutedScheduleClient(client.schedule.options), enumerable: true },
  });
}
