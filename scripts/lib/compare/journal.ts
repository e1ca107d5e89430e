/**
 * Gates before the three clusters that write down every call. Only whoever moves the tenant goes through them: the tenant's
 * workers and the ledger connect directly, so that a count is the mover's alone, whatever program it is.
 */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { ClientConfigProfile } from '@temporalio/envconfig';
import proto from '@temporalio/proto';
import { throughGate, writeConfig, type ProfileName, type Stack } from '../stack.ts';
import { startGate, type Gate, type SeenCall } from '../tls-gate.ts';
import type { Write } from './figures.ts';

type Schedule = proto.temporal.api.schedule.v1.ISchedule;

const { PatchScheduleRequest, UpdateScheduleRequest, CreateScheduleRequest } = proto.temporal.api.workflowservice.v1;

export interface Journal {
  /** `temporal.toml` with the three clusters behind the gates. */
  configFile: string;
  /** Calls that began in the range, epoch ms. */
  between: (profile: ProfileName, fromMs: number, toMs: number) => SeenCall[];
  stop: () => Promise<void>;
}

export async function startJournal({ servers, dir }: Pick<Stack, 'servers' | 'dir'>): Promise<Journal> {
  const apiKey = randomBytes(24).toString('base64url');
  const calls: Record<ProfileName, SeenCall[]> = { cloud: [], selfhosted: [], control: [] };
  const gates: Gate[] = [];
  const stop = async (): Promise<void> => {
    for (let gate = gates.pop(); gate; gate = gates.pop()) await gate.close();
  };
  const behindGate = async (name: ProfileName): Promise<ClientConfigProfile> => {
    const { address: upstream, namespace } = servers[name];
    const observe = (call: SeenCall): void => void calls[name].push(call);
    const gate = await startGate({ upstream, apiKey, observe });
    gates.push(gate);
    return throughGate(name, gate, { apiKey, namespace, dir });
  };
  const configFile = join(dir, 'movers.toml');
  await writeConfig(configFile, {
    cloud: await behindGate('cloud'),
    selfhosted: await behindGate('selfhosted'),
    control: await behindGate('control'),
  });
  return {
    configFile,
    between: (profile, fromMs, toMs) => calls[profile].filter(({ sentMs }) => sentMs >= fromMs && sentMs <= toMs),
    stop,
  };
}

/** What the acknowledged calls left of each schedule, in order. */
export function writesOf(source: readonly SeenCall[], target: readonly SeenCall[]): Map<string, Write[]> {
  const writes = new Map<string, Write[]>();
  const take = (side: Write['side'], call: SeenCall): void => {
    if (call.status !== '0') return;
    const found = written(call, side);
    if (!found) return;
    const { answeredMs } = call;
    writes.set(found.id, [...(writes.get(found.id) ?? []), { side, answeredMs, shutFromMs: found.shutFromMs }]);
  };
  for (const call of source) take('source', call);
  for (const call of target) take('target', call);
  return writes;
}

function written(
  { method, request, answeredMs }: SeenCall,
  side: Write['side'],
): { id: string; shutFromMs?: number } | undefined {
  if (method === 'PatchSchedule') {
    const { scheduleId, patch } = PatchScheduleRequest.decode(request);
    if (patch?.pause) return { id: scheduleId, shutFromMs: answeredMs };
    return patch?.unpause ? { id: scheduleId } : undefined;
  }
  if (method === 'UpdateSchedule' || method === 'CreateSchedule') {
    const type = method === 'UpdateSchedule' ? UpdateScheduleRequest : CreateScheduleRequest;
    const { scheduleId, schedule } = type.decode(request);
    return { id: scheduleId, shutFromMs: schedule ? shutFrom(schedule, answeredMs, side) : undefined };
  }
  return undefined;
}

/**
 * Paused: from the acknowledgement on. The source ended: from the second after its last. An end on the target is its user's.
 */
function shutFrom({ spec, state }: Schedule, answeredMs: number, side: Write['side']): number | undefined {
  if (state?.paused) return answeredMs;
  if (side === 'target' || !spec?.endTime) return undefined;
  return Math.max(answeredMs, (Number(spec.endTime.seconds) + 1) * 1_000);
}
