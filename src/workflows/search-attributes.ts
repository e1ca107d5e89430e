/** The four Keyword search attributes by which the list of migrations filters. SQL visibility has few slots: no more. */
import { defineSearchAttributeKey, SearchAttributeType, type SearchAttributeUpdatePair } from '@temporalio/common';
import type { Progress } from './progress.ts';

export const FerryTenant = defineSearchAttributeKey('FerryTenant', SearchAttributeType.KEYWORD);
export const FerryPhase = defineSearchAttributeKey('FerryPhase', SearchAttributeType.KEYWORD);
export const FerryOwner = defineSearchAttributeKey('FerryOwner', SearchAttributeType.KEYWORD);
export const FerryDirection = defineSearchAttributeKey('FerryDirection', SearchAttributeType.KEYWORD);

/** What the control namespace must have registered before any of them is upserted. */
export const searchAttributeKeys = [FerryTenant, FerryPhase, FerryOwner, FerryDirection] as const;

export function searchAttributesOf({ tenant, phase, owner, from, to }: Progress): SearchAttributeUpdatePair[] {
  return [
    { key: FerryTenant, value: tenant },
    { key: FerryPhase, value: phase },
    { key: FerryOwner, value: owner },
    { key: FerryDirection, value: `${from}-to-${to}` },
  ];
}

/** Of a rollout: it has no tenant and no owner of its own. */
export function rolloutAttributesOf({
  phase,
  from,
  to,
}: Record<'phase' | 'from' | 'to', string>): SearchAttributeUpdatePair[] {
  return [
    { key: FerryPhase, value: phase },
    { key: FerryDirection, value: `${from}-to-${to}` },
  ];
}
