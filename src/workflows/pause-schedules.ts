/**
 * Pauses the schedules of a tenant that one cluster owns, and lets run again what was paused so. Each schedule's note says
 * who paused it and keeps its user's note. What users paused themselves, and what the other cluster owns, is not touched:
 * neither step opens a paused copy.
 */
import { continueAsNew, workflowInfo } from '@temporalio/workflow';
import type { Crossing, SingleStep } from '../activities/types.ts';
import * as activities from './activities.ts';
import {
  addRefusals,
  type Carried,
  given,
  NO_REFUSALS,
  type Refusals,
  runStep,
  type StepReport,
} from './single-step.ts';
import { pauseDetails, unpauseDetails } from './step-details.ts';
import { type OneSidedStepInput, type OneSidedStepSettings, readPauseInput, readUnpauseInput } from './step-input.ts';

export interface PauseReport extends StepReport, Refusals {
  cluster: string;
  paused: number;
  /** Found paused by this product. */
  already: number;
  /** Found paused by their users, or by pauseOnFailure, and left so. */
  userPaused: number;
  /** Paused copies of what the other side owns. */
  standby: number;
  /** Listed, and deleted by then. */
  gone: number;
}

export interface UnpauseReport extends StepReport, Refusals {
  cluster: string;
  other: string;
  unpaused: number;
  /** Found running. */
  running: number;
  /** Listed, and deleted by then. */
  gone: number;
}

export async function PauseSchedules(
  ...args: [input: OneSidedStepInput, carried?: Carried<PauseReport>]
): Promise<PauseReport> {
  const { own, carried } = given(args);
  const settings = readPauseInput(own);
  const { tenant, cluster } = settings;
  const input = pageInput(settings);
  return await runStep(
    {
      doing: 'pausing',
      tenant,
      profiles: [cluster],
      lock: lockOf(settings, 'PauseSchedules'),
      none: { cluster, paused: 0, already: 0, userPaused: 0, standby: 0, gone: 0, ...NO_REFUSALS },
      page: (at, page) => activities.pausePage({ ...input, ...at }, page),
      add: (report: PauseReport, page) => ({
        ...report,
        paused: report.paused + page.paused,
        already: report.already + page.already,
        userPaused: report.userPaused + page.userPaused,
        standby: report.standby + page.standby,
        gone: report.gone + page.gone,
        ...addRefusals(report, page.refused),
      }),
      details: pauseDetails,
    },
    carried,
    (next) => continueAsNew<typeof PauseSchedules>(args[0], next),
  );
}

export async function UnpauseSchedules(
  ...args: [input: OneSidedStepInput, carried?: Carried<UnpauseReport>]
): Promise<UnpauseReport> {
  const { own, carried } = given(args);
  const settings = readUnpauseInput(own);
  const { tenant, cluster, other } = settings;
  const input = pageInput(settings);
  return await runStep(
    {
      doing: 'letting run again',
      tenant,
      profiles: [cluster, other],
      lock: lockOf(settings, 'UnpauseSchedules'),
      none: { cluster, other, unpaused: 0, running: 0, gone: 0, ...NO_REFUSALS },
      page: (at, page) => activities.unpausePage({ ...input, ...at }, page),
      add: (report: UnpauseReport, page) => ({
        ...report,
        unpaused: report.unpaused + page.unpaused,
        running: report.running + page.running,
        gone: report.gone + page.gone,
        ...addRefusals(report, page.refused),
      }),
      details: unpauseDetails,
    },
    carried,
    (next) => continueAsNew<typeof UnpauseSchedules>(args[0], next),
  );
}

function pageInput(settings: OneSidedStepSettings): OneSidedStepSettings & { step: string } {
  return { ...settings, step: workflowInfo().workflowId };
}

function lockOf(
  { tenant, cluster, selection }: OneSidedStepSettings,
  step: SingleStep,
): Omit<Crossing, 'migration'> & { step: SingleStep } {
  return { tenant, from: cluster, to: cluster, selection, step };
}
