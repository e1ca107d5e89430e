/** Whether both clusters are there, are two, may be written to, and agree about the time. */
import { status } from '@grpc/grpc-js';
import { codeOf } from '../clusters/calls.ts';
import type { Cluster } from '../clusters/cluster.ts';
import { clockOffset } from '../clusters/clock.ts';
import { type ClusterIdentity, identify, mayWrite } from '../clusters/facts.ts';
import { UnknownProfile } from '../clusters/profiles.ts';
import type { FerryDeps } from './deps.ts';
import type { Reason } from './types.ts';

export interface SideFacts extends ClusterIdentity {
  cluster: Cluster;
}

const SKEW_WARNING_MS = 1_000;

/** Undefined when the side cannot be looked at; the reason is in `blockers` then. */
export async function inspectSide(
  deps: FerryDeps,
  profile: string,
  blockers: Reason[],
): Promise<SideFacts | undefined> {
  let cluster: Cluster;
  try {
    cluster = deps.clusters.get(profile);
  } catch (error) {
    if (!(error instanceof UnknownProfile)) throw error;
    blockers.push({
      object: `profile ${profile}`,
      code: 'profile-unusable',
      found: error.message,
      remedy: profileRemedy(profile),
    });
    return undefined;
  }
  const object = `namespace ${cluster.namespace} on ${profile}`;
  try {
    const identity = await identify(cluster);
    if (!identity.namespaceUsable) {
      blockers.push({
        object,
        code: 'namespace-unusable',
        found: 'it is deprecated or deleted',
        remedy: 'name another namespace in the profile',
      });
    }
    if (!(await mayWrite(cluster))) {
      const remedy = `give the profile's credentials write access to the namespace`;
      blockers.push({
        object,
        code: 'not-writable',
        found: 'the cluster refuses writes from these credentials',
        remedy,
      });
    }
    return { ...identity, cluster };
  } catch (error) {
    const explained = explain(error, profile);
    if (!explained) throw error;
    blockers.push({ object, ...explained });
    return undefined;
  }
}

function explain(error: unknown, profile: string): Omit<Reason, 'object'> | undefined {
  switch (codeOf(error)) {
    case status.UNAUTHENTICATED:
    case status.PERMISSION_DENIED:
      return {
        code: 'not-allowed',
        found: 'the cluster refuses these credentials',
        remedy: `renew api_key or certificates of profile ${profile}, and restart the worker`,
      };
    case status.NOT_FOUND:
      return {
        code: 'namespace-missing',
        found: 'the cluster has no such namespace',
        remedy: `create it, or correct the namespace of profile ${profile}`,
      };
    case status.UNAVAILABLE:
    case status.DEADLINE_EXCEEDED:
      return {
        code: 'unreachable',
        found: 'the cluster does not answer',
        remedy: `check address and TLS settings of profile ${profile}, and the network from the worker`,
      };
    default:
      return undefined;
  }
}

function profileRemedy(profile: string): string {
  return `add profile ${profile} to the temporal.toml the ferry worker reads, or name another one in the input`;
}

export function sameCluster(a: SideFacts, b: SideFacts): boolean {
  return a.clusterId === b.clusterId && a.namespaceId === b.namespaceId;
}

export async function skewBetween(
  from: SideFacts,
  to: SideFacts,
  warnings: Reason[],
): Promise<{ skewMs: number; errorMs: number } | undefined> {
  const object = `clocks of ${from.cluster.profile} and ${to.cluster.profile}`;
  const a = await clockOffset(from.cluster);
  const b = await clockOffset(to.cluster);
  if (!a || !b) {
    const remedy =
      'nothing for correctness: boundaries are proven by each server’s own stamp; starts may be late by the skew';
    warnings.push({ object, code: 'skew-unknown', found: 'they could not be measured', remedy });
    return undefined;
  }
  const skew = { skewMs: b.offsetMs - a.offsetMs, errorMs: a.errorMs + b.errorMs };
  if (Math.abs(skew.skewMs) - skew.errorMs > SKEW_WARNING_MS) {
    const found = `they differ by ${skew.skewMs} ms (give or take ${skew.errorMs} ms)`;
    warnings.push({
      object,
      code: 'clock-skew',
      found,
      remedy: 'check NTP on both; the first starts after the boundary may be off by as much',
    });
  }
  return skew;
}
