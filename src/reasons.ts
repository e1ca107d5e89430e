/**
 * Every code a person may read behind a reason, in a plan, a progress or a result. docs/operations.md says of each what to
 * do; a test holds the two together.
 */
export const REASON_CODES = [
  // Preflight: blockers.
  'profile-unusable',
  'unreachable',
  'not-allowed',
  'namespace-missing',
  'namespace-unusable',
  'not-writable',
  'same-cluster',
  'nothing-selected',
  'query-unreadable',
  'workflows-unreadable',
  'route-elsewhere',
  'already-on-target',
  'action-unknown',
  'note-too-long',
  'id-taken',
  'search-attribute-missing',
  'search-attribute-type',
  'no-poller',
  'not-listed',
  // Preflight and verify: warnings.
  'search-attributes-unknown',
  'clock-skew',
  'skew-unknown',
  'environment-ignored',
  'no-workflows',
  'extra-on-target',
  // Copy and hand-over: one schedule.
  'not-ours',
  'still-running',
  'interrupted',
  'fence-too-slow',
  'bound-ahead',
  'edited-on-both-sides',
  'unproven',
  'changed-too-often',
  'taken-back',
  // Pausing and letting run again.
  'standby-copy',
  'in-handover',
  'other-side-active',
  'other-side-silent',
  'user-paused',
  // Reconciling.
  'copy-edited',
  'failed',
] as const;

export type ReasonCode = (typeof REASON_CODES)[number];
