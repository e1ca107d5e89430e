import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { REASON_CODES } from '../../src/reasons.ts';
import { detailsOf, MAX_DETAILS_BYTES } from '../../src/workflows/details.ts';
import { readMigrateTenantInput } from '../../src/workflows/input.ts';
import { newProgress, type Progress } from '../../src/workflows/progress.ts';

const at = '2026-11-22T16:03:05.123Z';

function progress(change: Partial<Progress> = {}): Progress {
  return { ...newProgress(readMigrateTenantInput([{ tenant: 'acme' }]), at), ...change };
}

describe('the details in the Web UI', () => {
  test('say phase, owner, time, counts, what it waits for and the signal to send, at a glance', () => {
    const text = detailsOf(
      progress({
        phase: 'awaiting-approval',
        owner: 'cloud',
        schedules: { total: 200, copied: 37, verified: 0, handedOver: 0, failed: 2 },
        waitingFor: '`proceed`, to hand over 200 schedules',
        accepts: ['rollback', 'pause', 'proceed'],
        phases: [
          { phase: 'copying', since: '2026-11-22T16:00:00.000Z' },
          { phase: 'awaiting-approval', since: at },
        ],
      }),
    );
    expect(text).toContain('## acme: waiting for approval');
    expect(text).toContain('**cloud → selfhosted**, owner now **cloud**, as of 2026-11-22 16:03:05 UTC');
    expect(detailsOf(progress())).toContain('**cloud → selfhosted**, owner not recorded');
    expect(text).toContain('| copied | 37 of 200 |');
    expect(text).toContain('| failed | 2 |');
    expect(text).toContain('**Waits for:** `proceed`, to hand over 200 schedules');
    expect(text).toContain('signal or update `proceed` goes on; signal or update `rollback` takes everything back');
    expect(text).toContain('| copying schedules | 2026-11-22 16:00:00 UTC | took 3 min |');
    expect(text).toContain('| waiting for approval | 2026-11-22 16:03:05 UTC | now |');
  });

  test('say where workflows on demand start, what is open, and what was started on the wrong side', () => {
    const text = detailsOf(
      progress({
        phase: 'draining',
        accepts: ['rollback', 'pause', 'proceed'],
        workflows: {
          route: { from: 'cloud', to: 'selfhosted', at },
          open: 7,
          byType: [{ type: 'Order', open: 7, oldestStartedAt: '2026-11-20T08:00:00.000Z' }],
          early: { count: 0, first: [], unexamined: 0 },
          wrongSide: { count: 2, first: [], unexamined: 0 },
          drained: false,
          checkedAt: at,
        },
      }),
    );
    expect(text).toContain(
      '**On demand:** start on **selfhosted** from 2026-11-22 16:03:05 UTC on, 7 open on cloud as of 2026-11-22 ' +
        '16:03:05 UTC, **2 started on the wrong side**\n- 7 Order, the oldest since 2026-11-20 08:00:00 UTC',
    );
    expect(text).toContain('`proceed` goes on without waiting');
    expect(detailsOf(progress())).not.toContain('On demand');
  });

  test('stay under the limit of proxies, and free of what the renderer mangles, whatever users write', () => {
    const nasty = fc.string({ unit: 'binary', maxLength: 2000 });
    const reasons = fc.array(
      fc.record({ object: nasty, code: fc.constantFrom(...REASON_CODES), found: nasty, remedy: nasty }),
      { maxLength: 20 },
    );
    fc.assert(
      fc.property(nasty, reasons, reasons, fc.array(nasty, { maxLength: 20 }), (text, failures, warnings, notes) => {
        const details = detailsOf(
          progress({ tenant: text.slice(0, 200), waitingFor: text, failures, warnings, notes, rollbackReason: text }),
        );
        expect(Buffer.byteLength(details)).toBeLessThanOrEqual(MAX_DETAILS_BYTES);
        const outsideTables = details
          .split('\n')
          .filter((line) => !line.startsWith('|-'))
          .join('\n');
        expect(outsideTables).not.toMatch(/\d\/\d|--/);
      }),
      { numRuns: 50 },
    );
  });
});
