/**
 * Changes to workflow code that running migrations must not replay differently.
 *
 * Convention: a change that alters the commands of an already recorded history gets an id here, `<what>-<yyyy-mm-dd>`, one
 * sentence on what differs, and a recorded history under `test/replay/histories` from before it. Code asks
 * `patched(patches.<name>)`. When no run from before it is left, `patched` becomes `deprecatePatch`, and a release later
 * both the call and the entry go.
 */
export const patches = {
  /** Settling tries again just the schedules that failed, where it walked over all of them. */
  retryOnlyFailed: 'retry-only-failed-2026-11-24',
  /** A rollback that is done looks at everything once more, half a minute later; before, it ended at once. */
  secondLook: 'second-look-2026-11-24',
  /** A page that was paused and whose worker died is asked for again; before, the migration turned back. */
  pauseOutlivesWorker: 'pause-outlives-worker-2026-11-24',
  /** Settling asks a person after twenty passes that each found new schedules; before, it went on for as long as they came. */
  newOnesKeepComing: 'new-ones-keep-coming-2026-11-24',
  /** A migration changes the route of workflows on demand too, and drains the source; before, it moved schedules only. */
  workflowsToo: 'workflows-too-2026-11-27',
  /** A last check that fails a third time may be done without by a person; before, it was made until it succeeded. */
  doneWithout: 'done-without-2026-11-28',
} as const satisfies Record<string, `${string}-${string}`>;
