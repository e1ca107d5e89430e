/** What the activities are built from; the composition root makes it. */
import type { Client } from '@temporalio/client';
import type { Cluster } from '../clusters/cluster.ts';
import type { Measures } from '../measures/index.ts';

export interface ClusterSource {
  /** The cluster of a profile, connected once and shared. Throws UnknownProfile. */
  get(profile: string): Cluster;
}

export interface HandoverSettings {
  /** Schedules between fence and retirement at a time. */
  inFlight: number;
  leadMs: number;
  idleLimitMs: number;
}

export const DEFAULT_HANDOVER: HandoverSettings = { inFlight: 40, leadMs: 4_000, idleLimitMs: 60_000 };

export interface FerryDeps {
  clusters: ClusterSource;
  /** Client of the control namespace. */
  control: Client;
  taskQueue: string;
  /** Whether the control namespace knows the Ferry… search attributes; asked at each claim. */
  searchAttributesRegistered: () => Promise<boolean>;
  handover?: Partial<HandoverSettings>;
  /** What gates measure with; by default no metrics system is known. */
  measures?: Measures;
  /** The worker takes no new work: what only waits shall end. */
  stopping?: () => boolean;
  /** TEMPORAL_* variables that would override profiles, and are not applied. */
  ignoredEnvironment?: string[];
}
