import type { temporal } from '@temporalio/proto';

/** A search attribute of the server's own, such as the id of the schedule that started a run. */
export function keyword(payload: temporal.api.common.v1.IPayload | null | undefined): string | undefined {
  if (!payload?.data) return undefined;
  const value: unknown = JSON.parse(new TextDecoder().decode(payload.data));
  return typeof value === 'string' ? value : undefined;
}
