import { expect, test } from 'vitest';
import { Survey } from '../../src/activities/preflight-survey.ts';
import type { Described } from '../../src/schedules/ports.ts';
import { standby } from '../../src/schedules/shapes.ts';
import type { Schedule } from '../../src/schedules/times.ts';
import { rich } from './schedules/forms.ts';

const user = rich();
const rested = (owner: string, boundary?: number): Schedule =>
  standby(user, { kind: 'standby', owner, migration: 'm', boundary });
const described = (schedule: Schedule): Described => ({
  schedule,
  token: new Uint8Array(8),
  engine: 'v1',
  futureMs: [],
  recent: [{ workflowId: 'job-2026-01-01T00:00:00Z', dueMs: 0, startedMs: 0 }],
  running: [],
  buffered: 0,
  remaining: 0,
});

function surveyOf(source: Schedule, target?: Schedule) {
  const survey = new Survey({
    tenant: 'acme',
    migration: 'migrate/acme',
    from: 'a',
    to: 'b',
    selection: { all: true },
  });
  survey.see('job', described(source));
  if (target) survey.seeTarget('job', described(target));
  const [write = { schedule: '', writes: [], warnings: [] }] = survey.plan();
  return { ...write, rpcs: survey.rpcEstimate(), blockers: survey.blockers };
}

test('of a schedule that is there already nothing is written and nothing is to be noted', () => {
  const { writes, warnings, rpcs, blockers } = surveyOf(rested('b', 1), user);
  expect({ writes, warnings, blockers }).toEqual({ writes: [], warnings: [], blockers: [] });
  expect(rpcs).toBeLessThan(surveyOf(user).rpcs);
});

test('a schedule that goes there again after a rollback is told what it finds there', () => {
  expect(surveyOf(user).warnings.join()).toMatch(/the first run on b sees neither.*counters.*start anew on b/);
  expect(surveyOf(user, rested('a')).warnings).toEqual(surveyOf(user).warnings);
  const again = surveyOf(user, rested('a', 1));
  expect(again.writes[0]).toBe('b: bring the paused copy up to date if it has drifted');
  expect(again.warnings.join()).toMatch(/sees those of its earlier runs there, if any, not those of a.*go on where/);
  expect(again.warnings.join()).not.toContain('start anew');
});
