/** The four Keyword search attributes by which the list of migrations filters. SQL visibility has few slots: no more. */
import { defineSearchAttributeKey, SearchAttributeType, type SearchAttributeUpdatePair } from '@temporalio/common';
import type { Progress } from './progress.ts';

// Annotated: what is inferred names a path inside the package, which does not resolve for who checks our types.
type KeywordKey = ReturnType<typeof defineSearchAttributeKey<typeof SearchAttributeType.KEYWORD>>;

export const FerryTenant: KeywordKey = defineSearchAttributeKey('FerryTenant', SearchAttributeType.KEYWORD);
export const FerryPhase: KeywordKey = defineSearchAttributeKey('FerryPhase', SearchAttributeType.KEYWORD);
export const FerryOwner: KeywordKey = defineSearchAttributeKey('FerryOwner', SearchAttributeType.KEYWORD);
export const FerryDirection: KeywordKey = defineSearchAttributeKey('FerryDirection', SearchAttributeType.KEYWORD);

/** What the control namespace must have registered before any of them is upserted. */
export const searchAttributeKeys: readonly KeywordKey[] = [FerryTenant, FerryPhase, FerryOwner, FerryDirection];

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
