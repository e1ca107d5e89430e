import type { Controls } from '../controls.ts';
import type { Run } from '../run.ts';

/** Nothing the ledger cannot explain passes without a person: accepting it is recorded in the result. */
export async function gate(run: Run, controls: Controls): Promise<void> {
  while (run.unaccepted > 0) {
    const { audit, from } = run.progress;
    const found = `${audit.missed} missed, ${audit.duplicates} duplicate and ${audit.wrongSide} on the wrong side`;
    await controls.untilProceed(
      'hold',
      `the ledger is not clean (${found}): \`proceed\` accepts it and the result says so, ` +
        `\`rollback\` takes everything back to ${from}`,
    );
    run.accept(`the ledger with ${found}`);
  }
}
