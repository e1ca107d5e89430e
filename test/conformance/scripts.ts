/** The command sequences that are played on the simulator and on real servers, and what each of them tells. */
import type { Schedule } from '../../src/schedules/times.ts';
import { Policy } from './rig.ts';
import { type Script, type Shown, type Stage, span } from './script.ts';

const {
  SCHEDULE_OVERLAP_POLICY_SKIP: SKIP,
  SCHEDULE_OVERLAP_POLICY_BUFFER_ONE: BUFFER_ONE,
  SCHEDULE_OVERLAP_POLICY_BUFFER_ALL: BUFFER_ALL,
  SCHEDULE_OVERLAP_POLICY_CANCEL_OTHER: CANCEL_OTHER,
  SCHEDULE_OVERLAP_POLICY_TERMINATE_OTHER: TERMINATE_OTHER,
  SCHEDULE_OVERLAP_POLICY_ALLOW_ALL: ALLOW_ALL,
} = Policy;

const note = (notes: string) => (s: Schedule) => ({
  ...s,
  state: { ...s.state, notes },
});

export const scripts: Script[] = [
  quick('created, shown, created again, gone', async (s) => {
    const first = await s.create({ every: 60 });
    const second = await s.create({ every: 60 });
    const shown = await s.shows();
    const times = (await s.rig.cluster.matchingTimes(s.id, s.ms(-1), s.ms(240))).map((ms) => s.seconds(ms));
    const nominal = await s.rig.cluster.nominalTimes((await s.described()).schedule, s.ms(0), s.ms(120));
    await s.rig.cluster.delete(s.id);
    await s.rig.sleep(300);
    const missing = await s.rig.cluster.describe(s.id);
    const update = await s.rig.cluster.update(s.id, s.schedule({ every: 60 }), new Uint8Array(8));
    const backfill = await s.rig.cluster.backfill(s.id, [], ALLOW_ALL, 'r');
    await s.rig.cluster.delete(s.id);
    return { first, second, shown, times, nominal: nominal.map((ms) => s.seconds(ms)), missing, update, backfill };
  }),

  quick('an update is stamped and moves the token; a stale one changes nothing', async (s) => {
    await s.create({ every: 60 });
    const before = await s.described();
    const good = await s.write(note('second'));
    const shown = await s.shows();
    const stamp = good.after.updatedMs ?? 0;
    const stale = await s.write(note('third'), before.token);
    return {
      good: good.answer,
      shown,
      late: Math.abs(stamp - s.rig.now()) > 30_000,
      stale: stale.answer,
      after: await s.shows(),
    };
  }),

  quick('bounds are inclusive and of nominal times', async (s) => {
    await s.create({ every: 2, startsAt: 2, endsAt: 6, policy: ALLOW_ALL });
    await s.until(9);
    return { ran: await s.ran(), shown: await s.shows() };
  }),

  quick('seconds of a calendar, some excluded', async (s) => {
    const rest = {
      minute: all(0, 59),
      hour: all(0, 23),
      dayOfMonth: all(1, 31),
      month: all(1, 12),
      dayOfWeek: all(0, 6),
    };
    const spec = {
      structuredCalendar: [{ second: [{ start: 0, end: 59, step: 7 }], ...rest }],
      excludeStructuredCalendar: [{ second: all(20, 40), ...rest }],
    };
    await s.create({ every: 1, spec, paused: true });
    const minute = Math.ceil(s.startMs / 60_000) * 60_000;
    const times = await s.rig.cluster.matchingTimes(s.id, minute - 1, minute + 119_000);
    return times.map((ms) => (ms - minute) / 1000);
  }),

  quick('paused and unpaused by a user', async (s) => {
    await s.create({ every: 2, policy: ALLOW_ALL });
    await s.until(2.9);
    await s.rig.patch(s.id, { pause: 'by hand' });
    await s.until(7.3);
    const paused = await s.shows();
    await s.until(8.9);
    await s.rig.patch(s.id, { unpause: 'again' });
    await s.until(13.5);
    return { paused, shown: await s.shows(), ran: await s.ran() };
  }),

  quick('opened by an update after its start: what was due before is left out', async (s) => {
    await s.create({ every: 2, policy: ALLOW_ALL, paused: true });
    await s.until(4.5);
    const open = await s.write((now) => ({
      ...s.schedule({ every: 2, policy: ALLOW_ALL, startsAt: 2 }),
      action: now.action,
    }));
    await s.until(9.2);
    return { open: open.answer, ran: await s.ran(), shown: await s.shows() };
  }),

  quick('bounded, and the bound taken off long after: nothing is made up for', async (s) => {
    await s.create({ every: 2, policy: ALLOW_ALL });
    await s.until(0.5);
    const bound = await s.write((now) => ({ ...now, spec: { ...now.spec, endTime: span(s.ms(3)) } }));
    await s.until(8.5);
    const bounded = await s.shows();
    const free = await s.write((now) => ({ ...now, spec: { ...now.spec, endTime: undefined } }));
    await s.until(11.2);
    return { bound: bound.answer, bounded, free: free.answer, ran: await s.ran(), shown: await s.shows() };
  }),

  quick('limited actions are counted at start', async (s) => {
    await s.create({ every: 2, policy: ALLOW_ALL, limit: 2 });
    await s.until(1);
    const one = await s.shows();
    await s.until(7);
    return { one, ran: await s.ran(), shown: await s.shows() };
  }),

  quick('a limited schedule counts the start of a time that somebody else has run', async (s) => {
    await s.create({ every: 2, policy: ALLOW_ALL, limit: 3 });
    const { schedule } = await s.described();
    const first = await s.rig.cluster.startExactly(s.id, schedule, s.ms(0), 0);
    const again = await s.rig.cluster.startExactly(s.id, schedule, s.ms(0), 0);
    await s.until(1);
    const one = await s.shows();
    await s.until(9);
    return { first, again, one, ran: await s.ran(), shown: await s.shows() };
  }),

  quick('backfilled while paused: from the start on, up to the due time, no action counted', async (s) => {
    await s.create({ every: 2, policy: SKIP, paused: true, limit: 5 });
    await s.until(9);
    const range = { fromMs: s.ms(2), toMs: s.ms(6) };
    const answer = await s.rig.cluster.backfill(s.id, [range], ALLOW_ALL, `${s.id}-1`);
    await s.rig.sleep(2_500);
    const once = await s.ran();
    const same = await s.rig.cluster.backfill(s.id, [range], ALLOW_ALL, `${s.id}-1`);
    await s.rig.sleep(2_500);
    const sameAgain = await s.ran();
    const other = await s.rig.cluster.backfill(s.id, [range], ALLOW_ALL, `${s.id}-2`);
    await s.rig.sleep(2_500);
    return { answer, once, same, sameAgain, other, otherAgain: await s.ran(), shown: await s.shows() };
  }),

  quick('two ranges of one time each, without what lies between', async (s) => {
    await s.create({ every: 2, policy: SKIP, paused: true });
    await s.until(9);
    const ranges = [2, 6].map((at) => ({ fromMs: s.ms(at), toMs: s.ms(at) }));
    await s.rig.cluster.backfill(s.id, ranges, BUFFER_ALL, `${s.id}-1`);
    await s.rig.sleep(2_500);
    return { ran: await s.ran(), shown: await s.shows() };
  }),

  ...(
    [
      ['SKIP', SKIP],
      ['BUFFER_ONE', BUFFER_ONE],
      ['BUFFER_ALL', BUFFER_ALL],
      ['CANCEL_OTHER', CANCEL_OTHER],
      ['TERMINATE_OTHER', TERMINATE_OTHER],
      ['ALLOW_ALL', ALLOW_ALL],
    ] as const
  ).flatMap(([name, policy]): Script[] => [
    {
      name: `${name}: a run that is open for two due times`,
      takesMs: 4_500,
      fails: false,
      play: async (s) => {
        await s.create({ every: 2, policy, limit: 3 });
        await s.until(1);
        const during = await s.shows();
        await s.until(3.3);
        const later = await s.shows();
        await s.until(16);
        // What a limited schedule on V2 lists depends on which of two tasks came first.
        return { during, later: withoutFuture(later), ran: await s.ran(), shown: await s.shows() };
      },
    },
    {
      name: `${name}: a backfill of three times`,
      takesMs: 1_200,
      fails: false,
      play: async (s) => {
        await s.create({ every: 2, policy: SKIP, paused: true });
        await s.until(7);
        await s.rig.cluster.backfill(s.id, [{ fromMs: s.ms(0), toMs: s.ms(4) }], policy, `${s.id}-1`);
        await s.rig.sleep(600);
        const during = await s.shows();
        await s.rig.sleep(6_000);
        return { during, ran: await s.ran(), shown: await s.shows() };
      },
    },
  ]),

  {
    name: 'BUFFER_ALL: what waits is dropped by a pause, without a trace',
    takesMs: 5_000,
    fails: false,
    play: async (s) => {
      await s.create({ every: 2, policy: BUFFER_ALL });
      await s.until(4.4);
      await s.rig.patch(s.id, { pause: 'by hand' });
      await s.rig.sleep(300);
      const paused = await s.shows();
      await s.until(8);
      return { paused, ran: await s.ran(), shown: await s.shows() };
    },
  },

  {
    name: 'pauseOnFailure: when it is seen',
    takesMs: 300,
    fails: true,
    play: async (s) => {
      await s.create({ every: 3, policy: SKIP, pauseOnFailure: true });
      await s.until(1.8);
      const first = await s.shows();
      await s.rig.sleep(700);
      const second = await s.shows();
      await s.until(7.5);
      const third = withoutNotes(await s.shows());
      return { first: withoutNotes(first), second: withoutNotes(second), ran: await s.ran(), third };
    },
  },

  {
    name: 'pauseOnFailure: unseen, the next due time finds it',
    takesMs: 300,
    fails: true,
    play: async (s) => {
      await s.create({ every: 3, policy: SKIP, pauseOnFailure: true });
      await s.until(7);
      return { ran: await s.ran(), shown: withoutNotes(await s.shows()) };
    },
  },

  {
    name: 'runs ended by hand',
    takesMs: 60_000,
    fails: false,
    play: async (s) => {
      await s.create({ every: 2, policy: SKIP, limit: 2 });
      await s.until(1.7);
      const open = await s.rig.cluster.describeRun(s.runId(0));
      await s.rig.cluster.endRun(s.runId(0), 'terminate');
      await s.rig.cluster.endRun(s.runId(0), 'terminate');
      await s.until(3);
      const closed = await s.rig.cluster.describeRun(s.runId(0));
      await s.rig.cluster.endRun(s.runId(2), 'cancel');
      await s.rig.sleep(1_500);
      const cancelled = await s.rig.cluster.describeRun(s.runId(2));
      const never = await s.rig.cluster.describeRun(s.runId(4));
      await s.rig.cluster.endRun(s.runId(4), 'terminate');
      return { open: open?.open, closed: closed?.open, cancelled: cancelled?.open, never, ran: await s.ran() };
    },
  },

  quick('jitter: an update between a nominal time and its due time', async (s) => {
    await s.create({ every: 10, jitterMs: 9_000, policy: ALLOW_ALL });
    const at = await wellJittered(s);
    await s.until(at + 0.7);
    const { answer } = await s.write(note('written'));
    await s.until(at + 9.9);
    return { answer, ran: (await s.ran()).includes(at) };
  }),

  quick("jitter: a user's trigger between a nominal time and its due time", async (s) => {
    await s.create({ every: 10, jitterMs: 9_000, policy: ALLOW_ALL });
    const at = await wellJittered(s);
    // Not in the same second: its own run would have the same id.
    await s.until(at + 1.3);
    await s.rig.patch(s.id, { trigger: {} });
    await s.until(at + 9.9);
    return { ran: (await s.ran()).includes(at) };
  }),

  {
    name: 'jitter: an earlier run ends between a nominal time and its due time',
    takesMs: 120_000,
    fails: false,
    play: async (s) => {
      await s.create({ every: 10, jitterMs: 9_000, policy: ALLOW_ALL });
      await s.until(10.3);
      const at = await wellJittered(s);
      await s.until(at + 0.7);
      await s.rig.cluster.endRun(s.runId(0), 'terminate');
      await s.until(at + 9.9);
      return { ran: (await s.ran()).includes(at) };
    },
  },

  {
    name: 'a trigger runs at once, counts no action, and does not wait for the next time',
    takesMs: 0,
    fails: false,
    play: async (s) => {
      await s.create({ every: 30, policy: SKIP, limit: 3 });
      await s.until(-3);
      await s.rig.patch(s.id, { trigger: {} });
      await s.rig.sleep(1_200);
      const { recent: _, ...shown } = await s.shows();
      return { ran: (await s.ran()).length, shown };
    },
  },
];

function all(start: number, end: number) {
  return [{ start, end, step: 1 }];
}

function quick(name: string, play: Script['play']): Script {
  return { name, takesMs: 0, fails: false, play };
}

function withoutFuture(shown: Shown): object {
  return { ...shown, future: [], futureCount: 0 };
}

/** The failure's own words differ. */
function withoutNotes({ notes, ...rest }: Shown): object {
  return { ...rest, noted: notes.includes('fail') };
}

/** The next nominal time (seconds) whose due time is at least two seconds later. */
async function wellJittered(s: Stage): Promise<number> {
  const from = Math.max(0, Math.ceil(s.seconds(s.rig.now() + 500) / 10) * 10);
  for (let at = from; ; at += 10) {
    const [due] = await s.rig.cluster.matchingTimes(s.id, s.ms(at) - 1, s.ms(at + 10));
    if (due !== undefined && due >= s.ms(at + 2)) return at;
  }
}
