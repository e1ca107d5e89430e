/** The product's own search attributes, by which the Web UI's list of migrations filters. */
import type { Connection } from '@temporalio/client';
import { searchAttributeKeys } from '../../src/workflows/search-attributes.ts';
import { registerKeywords } from './ready.ts';

export const ferrySearchAttributes = searchAttributeKeys.map(({ name }) => name);

/** Registers what is missing on the control namespace and waits until it is usable; says what it added. */
export function registerFerrySearchAttributes(
  connection: Pick<Connection, 'operatorService' | 'workflowService'>,
  namespace: string,
): Promise<string[]> {
  return registerKeywords(connection, namespace, ferrySearchAttributes);
}
