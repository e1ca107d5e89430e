/** Whether a schedule still says what its user wrote, and which parts do not. */
import type { Connection } from '@temporalio/client';
import proto from '@temporalio/proto';

const { DescribeScheduleResponse } = proto.temporal.api.workflowservice.v1;

type Parts = Map<string, string>;

/** Set by the scheduler itself as it runs. */
const counters = new Set(['schedule.state.remainingActions']);
/** Down to which depth parts are told apart: `action.startWorkflow.header`, `spec.jitter`, `memo.fields.contract`. */
const DEPTH = 4;

/** Every part of the definition with its exact bytes, as text. */
export async function definitionOf(connection: Connection, namespace: string, scheduleId: string): Promise<Parts> {
  const answer = await connection.workflowService.describeSchedule({ namespace, scheduleId });
  const { schedule, memo, searchAttributes } = DescribeScheduleResponse.toObject(
    DescribeScheduleResponse.fromObject(answer),
    { longs: String, bytes: String, enums: String },
  );
  const parts: Parts = new Map();
  collect(parts, [], { schedule, memo, searchAttributes });
  return parts;
}

/** The names of the parts that were lost, added or changed; none where both say the same. */
export function differences(wanted: Parts, found: Parts): string[] {
  const names = new Set([...wanted.keys(), ...found.keys()]);
  return [...names]
    .filter((name) => !counters.has(name) && wanted.get(name) !== found.get(name))
    .map((name) => name.replace(/^schedule\.(action\.startWorkflow\.)?/, (_, action) => (action ? 'action.' : '')))
    .toSorted();
}

function collect(parts: Parts, path: string[], value: unknown): void {
  if (isNothing(value)) return;
  const deeper = path[0] === 'schedule' && path[1] === 'action' ? DEPTH : DEPTH - 1;
  if (typeof value === 'object' && value !== null && !Array.isArray(value) && path.length < deeper) {
    for (const [name, inner] of Object.entries(value)) collect(parts, [...path, name], inner);
  } else parts.set(path.join('.'), JSON.stringify(sorted(value)));
}

/** Absent, empty and zero (a duration of none, say) mean the same. */
function isNothing(value: unknown): boolean {
  if (value === undefined || value === null) return true;
  if (typeof value === 'object') return Object.values(value).every(isNothing);
  return value === '' || value === false || value === 0 || value === '0';
}

/** Maps come in any order from a server. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([name, inner]) => [name, sorted(inner)]));
}
