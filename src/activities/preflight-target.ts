/** Whether the target can run what the schedules start. */
import type { Cluster } from '../clusters/cluster.ts';
import { hasPoller, searchAttributeTypes } from '../clusters/facts.ts';
import type { Survey } from './preflight-survey.ts';
import type { Reason } from './types.ts';

export async function checkAttributes(
  source: Cluster,
  target: Cluster,
  survey: Survey,
  blockers: Reason[],
  warnings: Reason[],
): Promise<void> {
  if (survey.attributes.size === 0) return;
  const [on, wanted] = [await searchAttributeTypes(target), await searchAttributeTypes(source)];
  if (!on) {
    const names = [...survey.attributes.keys()].join(', ');
    warnings.push({
      object: `search attributes on ${target.profile}`,
      code: 'search-attributes-unknown',
      found: 'the cluster does not list them over this API',
      remedy: `make sure that it has, with the source's types: ${names}`,
    });
    return;
  }
  for (const [name, schedule] of survey.attributes) {
    const type = wanted?.get(name);
    const object = `search attribute ${name} on ${target.profile}`;
    const remedy = `register it there as ${type ?? "the source's type"} (temporal operator search-attribute create)`;
    const found = on.get(name);
    if (found === undefined) {
      blockers.push({
        object,
        code: 'search-attribute-missing',
        found: `not registered; schedule ${schedule} uses it`,
        remedy,
      });
    } else if (type !== undefined && found !== type) {
      const differs = `registered as ${found}, on ${source.profile} as ${type}; schedule ${schedule} uses it`;
      blockers.push({ object, code: 'search-attribute-type', found: differs, remedy });
    }
  }
}

export async function checkQueues(target: Cluster, survey: Survey, blockers: Reason[]): Promise<void> {
  for (const [queue, why] of survey.queues) {
    if (await hasPoller(target, queue)) continue;
    blockers.push({
      object: `task queue ${queue} on ${target.profile}`,
      code: 'no-poller',
      found: `no worker polls it; ${why}`,
      remedy: `run the tenant's workers against ${target.profile} before migrating`,
    });
  }
}
