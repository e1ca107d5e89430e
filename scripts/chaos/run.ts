/**
 * One run: three clusters that survive a restart, a tenant's live schedules, migrations there and back, and everything
 * broken that can be, until enough has been. Then quiet, and the independent ledger.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from '@temporalio/client';
import type { Side, Write } from '../../test/support/ledger.ts';
import { duration, type Random, randomFrom } from '../lib/payloads.ts';
import { connectProfile } from '../lib/profiles.ts';
import { registerFerrySearchAttributes } from '../lib/search-attributes.ts';
import { type Engine, type ProfileName, startStack, type Stack } from '../lib/stack.ts';
import { type Cutter, startCutter } from '../lib/tcp-cutter.ts';
import { createSchedules, type PlannedSchedule, planTenant } from '../lib/tenant-load.ts';
import { startUserWorkers } from '../lib/user-worker.ts';
import { type Boundary, allBoundaries, nameOf } from './boundaries.ts';
import { keepEvidence } from './evidence.ts';
import { FaultLog } from './faults.ts';
import { type Death, Fleet } from './fleet.ts';
import { hurry } from './hurry.ts';
import { type Leg, type LegPlan, runAudit, runLeg } from './legs.ts';
import { Nemesis, type Pause } from './nemesis.ts';
import type { ChaosReport } from './report.ts';
import { atRest, describe, ledgerOf, type Wave } from './verdict.ts';

export interface ChaosOptions {
  seed: number;
  /** At least so many. */
  faults: number;
  /** Goes on until a worker has been killed at every boundary. */
  everyBoundary: boolean;
  cloud: Engine;
  selfhosted: Engine;
  /** Every killed worker is noticed by the server's own time-outs alone, a minute each. @default false: the first of cutOverPage's */
  patient: boolean;
  /** Between faults of servers and connections. @default 2 to 6 s */
  pauseMs?: Pause;
  /** A directory for everything that tells what happened. @default none is kept */
  keep?: string;
  /** Ends the run early, in order, with an error. */
  signal?: AbortSignal;
  say: (text: string) => void;
}

const TENANT = 'chaos';
/** The load of each wave is a tenant of the generator; all of them are one tenant of the migration, by their prefix. */
const WAVES = ['chaos-1', 'chaos-2', 'chaos-3'];
/** Kills a migration, at most: the run is to see several, and an activity is tried ten times, whatever fails besides. */
const KILLS_A_LEG = 14;
/** The longest jitter of the load. */
const JITTER_S = 10;
/**
 * Longer than whatever a fault holds up: the load's own minutes are limits of the load, not of what is tried here. A run
 * that its tenant's workers come to too late would time out and, by its retry policy, begin anew.
 */
const PATIENT_S = 600;

export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const { seed, say } = options;
  const startedAt = Date.now();
  const random = randomFrom(`chaos/${seed}`);
  const teardown: (() => Promise<unknown>)[] = [];
  try {
    const arena = await build(options, teardown);
    const boundaries = new Cover(allBoundaries(random), random);
    const workersFailed: string[] = [];
    let broke!: (reason: unknown) => void;
    const broken = new Promise<never>((_, reject) => {
      broke = reject;
    });
    const writes: Write[] = [];
    let patience = 1;
    const enough = (): boolean =>
      log.faults.length >= options.faults && (boundaries.uncovered === 0 || !options.everyBoundary);
    const stopWhenEnough = (): void => {
      if (!enough()) return;
      fleet.arm([]);
      void nemesis.stop();
    };
    const log = new FaultLog(({ kind, what }) => {
      say(`${String(log.faults.length).padStart(3)} ${kind}: ${what}`);
      stopWhenEnough();
    });
    const fleet = await Fleet.start({
      configFile: arena.ferryConfig,
      dir: arena.stack.dir,
      hear: (report) => {
        if (report.report === 'lost') log.add('answer of a write lost', report.call);
        else if (report.report === 'writes') writes.push({ side: report.profile, ...report.write });
        else if (report.report === 'throttled') log.add('throttled', `all calls to ${report.profile}`);
      },
      died: (death) => {
        const patient =
          options.patient || (death.at.activity === 'cutOverPage' && death.at.moment === 'middle' && patience-- > 0);
        boundaries.cover(death.at);
        log.add('worker killed', describeDeath(death, patient));
        if (!patient) hurry(arena.control, TENANT, death).catch(broke);
      },
      failed: (how) => {
        workersFailed.push(how);
        say(`a ferry worker ended by itself, with ${how}`);
      },
    });
    teardown.push(() => fleet.stop());
    const prey = { servers: arena.stack.servers, cutters: arena.cutters, fleet };
    const nemesis = new Nemesis(prey, log, random, options.pauseMs ?? [2_000, 6_000]);
    teardown.push(() => nemesis.stop());
    arena.stack.died.catch(broke);
    options.signal?.addEventListener('abort', () => broke(options.signal?.reason));
    arena.users.failed.catch(broke);
    nemesis.start(broke);

    const waves: Wave[] = [];
    const legs: Leg[] = [];
    const migrations = async (): Promise<void> => {
      for (let owner = 'cloud'; !enough();) {
        const wave = legs.length % 2 === 0 ? WAVES[waves.length] : undefined;
        if (wave) waves.push(await nemesis.calm(() => createWave(arena, owner, wave, waves.length === 0)));
        if (!enough()) fleet.arm(boundaries.next());
        const plan = planLeg(legs.length, owner, random);
        say(`${plan.id}: ${plan.from} to ${plan.to}${plan.turnBack ? `, turned back ${plan.turnBack.phase}` : ''}`);
        const leg = await runLeg(arena.control, plan, (text) => say(`    ${plan.id}: ${text}`));
        say(`${leg.id}: ${leg.outcome}, ${leg.owner} owns the tenant${leg.failure ? `; ${leg.failure}` : ''}`);
        legs.push(leg);
        ({ owner } = leg);
        if (enough()) break;
        await runAudit(arena.control, `audit/${TENANT}-${legs.length}`, plan);
        say(`audit/${TENANT}-${legs.length}: done`);
      }
    };
    await Promise.race([migrations(), broken]);
    await nemesis.stop();

    const to = Math.floor(Date.now() / 1000) + 3;
    say('no more faults; the tenant runs on, and then both clusters are read');
    await Promise.race([delay((3 + JITTER_S + 3) * 1000), broken]);
    const { outages } = nemesis;
    const figures = await ledgerOf({ sides: arena.sides, waves, legs, outages, writes, to });
    const resting = await atRest(arena.sides, legs.at(-1)?.owner ?? '', waves);
    if (options.keep !== undefined) {
      const from = { ...arena, stackDir: arena.stack.dir };
      await keepEvidence(options.keep, from, { faults: log.faults, outages, writes, legs, waves });
    }
    return {
      seed,
      engines: `${options.cloud} and ${options.selfhosted}`,
      faults: log.byKind(),
      kills: boundaries.kills,
      legs,
      figures,
      resting,
      workersFailed,
      wallMs: Date.now() - startedAt,
    };
  } finally {
    for (let step = teardown.pop(); step; step = teardown.pop()) await step();
  }
}

interface Arena {
  stack: Stack;
  sides: Side[];
  control: Client;
  cutters: Record<ProfileName, Cutter>;
  /** The same profiles, with a cutter before each cluster: what the ferry workers are given. */
  ferryConfig: string;
  users: { failed: Promise<never> };
}

async function build(options: ChaosOptions, teardown: (() => Promise<unknown>)[]): Promise<Arena> {
  const { cloud, selfhosted } = options;
  const stack = await startStack({ cloud, selfhosted, persistent: true });
  teardown.push(stack.stop);
  const { configFile, dir, servers } = stack;
  const cutter = async (address: string): Promise<Cutter> => {
    const made = await startCutter(address);
    teardown.push(made.close);
    return made;
  };
  const cutters = {
    cloud: await cutter(stack.cloudAddress),
    selfhosted: await cutter(servers.selfhosted.address),
    control: await cutter(servers.control.address),
  };
  const ferryConfig = join(dir, 'ferry.toml');
  const profiles = (await readFile(configFile, 'utf8'))
    .replaceAll(stack.cloudAddress, cutters.cloud.address)
    .replaceAll(servers.selfhosted.address, cutters.selfhosted.address)
    .replaceAll(servers.control.address, cutters.control.address);
  await writeFile(ferryConfig, profiles, { mode: 0o600 });

  const connect = async (name: string, engine?: Engine) => {
    const profile = await connectProfile(name, configFile);
    teardown.push(() => profile.connection.close());
    return { name, v2: engine === 'v2', ...profile };
  };
  const sides: Side[] = [await connect('cloud', cloud), await connect('selfhosted', selfhosted)];
  const control = await connect('control');
  await registerFerrySearchAttributes(control.connection, control.namespace);
  const users = await startUserWorkers({ configFile, profiles: ['cloud', 'selfhosted'], tenants: WAVES });
  teardown.push(users.stop);
  return { stack, sides, control: new Client({ ...control }), cutters, ferryConfig, users };
}

/** The first wave has one of every kind; later ones have those that begin, end or run out within a minute. */
async function createWave({ sides }: Arena, owner: string, tenant: string, everyKind: boolean): Promise<Wave> {
  const side = sides.find(({ name }) => name === owner);
  if (!side) throw new Error(`${owner} owns the tenant, and is none of the clusters`);
  const all = planTenant({ tenant, count: 20 }).map(withPatience);
  const schedules = everyKind ? all : all.filter(({ intent }) => intent.limit ?? intent.from ?? intent.until);
  await createSchedules(side.connection, side.namespace, schedules);
  const asWritten: Wave['asWritten'] = new Map();
  for (const { id } of schedules) asWritten.set(id, (await describe(side, id)) ?? {});
  return { schedules, from: Math.ceil(Date.now() / 1000) + 3, asWritten };
}

function withPatience(planned: PlannedSchedule): PlannedSchedule {
  const { schedule } = planned.request;
  const { policies, action } = schedule ?? {};
  const short = Number(policies?.catchupWindow?.seconds ?? PATIENT_S) < PATIENT_S;
  const changed = {
    ...schedule,
    policies: short ? { ...policies, catchupWindow: duration(PATIENT_S) } : policies,
    action: { startWorkflow: { ...action?.startWorkflow, workflowRunTimeout: duration(PATIENT_S) } },
  };
  return { ...planned, request: { ...planned.request, schedule: changed } };
}

/** There and back; every third one is turned around on its way. */
function planLeg(index: number, owner: string, random: Random): LegPlan {
  const to = owner === 'cloud' ? 'selfhosted' : 'cloud';
  const plan = { id: `migrate/${TENANT}-${index + 1}`, tenant: TENANT, schedules: { prefix: TENANT }, from: owner, to };
  if (index % 3 !== 1) return plan;
  const phase = index % 2 === 1 ? 'cutting-over' : 'baking';
  return { ...plan, turnBack: { phase, afterMs: random.below(6_000) } };
}

/** Which boundaries a worker has been killed at, and which come next. */
class Cover {
  readonly kills = new Map<string, number>();
  readonly #all: Boundary[];
  readonly #random: Random;

  constructor(all: Boundary[], random: Random) {
    this.#all = all;
    this.#random = random;
    for (const boundary of all) this.kills.set(nameOf(boundary), 0);
  }

  get uncovered(): number {
    return [...this.kills.values()].filter((count) => count === 0).length;
  }

  cover(boundary: Boundary): void {
    const name = nameOf(boundary);
    this.kills.set(name, (this.kills.get(name) ?? 0) + 1);
  }

  /** For one migration: the least killed at first, and among those by lot. */
  next(): Boundary[] {
    const killed = ({ activity, moment }: Boundary): number => this.kills.get(nameOf({ activity, moment })) ?? 0;
    return this.#all
      .map((boundary) => ({ boundary, lot: this.#random.below(1_000_000) }))
      .toSorted((a, b) => killed(a.boundary) - killed(b.boundary) || a.lot - b.lot)
      .slice(0, KILLS_A_LEG)
      .map(({ boundary }) => boundary);
  }
}

function describeDeath({ at, attempt, call }: Death, patient: boolean): string {
  const where = call === undefined ? '' : `, with the answer of ${call}`;
  return `${nameOf(at)}, attempt ${attempt}${where}${patient ? '; left to the time-outs' : ''}`;
}
