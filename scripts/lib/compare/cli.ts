/**
 * Copy, pause, unpause as one scripts it with the `temporal` command: a loop, one program per call. Copies first; then each
 * schedule is paused here and unpaused there at once, which is the best order for a loop.
 */
import { temporalCliPath } from '../binaries.ts';
import { withoutTemporal } from '../dev-server.ts';
import { run } from '../run.ts';
import { createFlags, type DescribedJson } from './cli-copy.ts';
import type { Mover } from './movers.ts';

export async function cliMover(options: { configFile: string; dir: string }): Promise<Mover> {
  const program = await temporalCliPath();
  // The user's own configuration and environment must not decide which clusters these are.
  const env = { ...withoutTemporal(process.env), HOME: options.dir };
  return {
    name: 'cli',
    move: async ({ tenant, from, to }) => {
      let processes = 0;
      const schedule = async (profile: string, verb: string, ...args: string[]): Promise<string> => {
        processes += 1;
        const where = ['--config-file', options.configFile, '--profile', profile];
        return run(program, ['schedule', verb, ...where, ...args], { env });
      };
      const listed = await schedule(from, 'list', '--output', 'json', '--query', `TenantId = '${tenant}'`);
      const running: { id: string; note: string }[] = [];
      const entries: { scheduleId: string }[] = JSON.parse(listed);
      for (const { scheduleId: id } of entries) {
        const described = await schedule(from, 'describe', '--output', 'json', '--schedule-id', id);
        const definition: DescribedJson = JSON.parse(described);
        await schedule(to, 'create', '--schedule-id', id, ...createFlags(definition));
        const { paused, notes } = definition.schedule.state;
        if (!paused) running.push({ id, note: notes ?? '' });
      }
      for (const { id, note } of running) {
        await schedule(from, 'toggle', '--schedule-id', id, '--pause', '--reason', `moved to ${to}`);
        await schedule(to, 'toggle', '--schedule-id', id, '--unpause', '--reason', note || `moved from ${from}`);
      }
      return { processes };
    },
    close: async () => undefined,
  };
}
