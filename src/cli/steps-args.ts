/** The single steps' commands from words to what is asked for. Pure; the workflow's own check of its input speaks first. */
import {
  type CrossingStepInput,
  type OneSidedStepInput,
  readCrossingStep,
  readPauseInput,
  readUnpauseInput,
} from '../workflows/step-input.ts';
import type { Given, Kind } from './options.ts';
import { readSelection, selectionOptions } from './selection.ts';

export type StepAsked = { do: 'step'; tenant: string; workflowId: string; json: boolean } & (
  | { step: 'copy' | 'verify'; input: CrossingStepInput }
  | { step: 'pause-schedules' | 'unpause-schedules'; input: OneSidedStepInput }
);

const common = { ...selectionOptions, 'page-size': 'text', 'workflow-id': 'text', json: 'flag' } as const;
export const crossingStepOptions = { from: 'text', to: 'text', ...common } as const satisfies Record<string, Kind>;
export const oneSidedStepOptions = { cluster: 'text', other: 'text', ...common } as const satisfies Record<
  string,
  Kind
>;

/** Of its own for each cluster that is written or compared: one command must not wait for what another asked for. */
export function readCrossing(
  step: 'copy' | 'verify',
  tenant: string,
  given: Given<keyof typeof crossingStepOptions>,
): StepAsked {
  const input = { ...inputOf(step, tenant, given), ...texts(given, ['from', 'to']) } as CrossingStepInput;
  const { to } = readCrossingStep(step === 'copy' ? 'CopySchedules' : 'VerifySchedules', [input]);
  return { do: 'step', step, tenant, input, ...waitedFor(given, `${step}/${tenant}/${to}`) };
}

export function readOneSided(
  step: 'pause-schedules' | 'unpause-schedules',
  tenant: string,
  given: Given<keyof typeof oneSidedStepOptions>,
): StepAsked {
  const input = { ...inputOf(step, tenant, given), ...texts(given, ['cluster', 'other']) } as OneSidedStepInput;
  const { cluster } = step === 'pause-schedules' ? readPauseInput([input]) : readUnpauseInput([input]);
  return { do: 'step', step, tenant, input, ...waitedFor(given, `${step}/${tenant}/${cluster}`) };
}

function inputOf(step: StepAsked['step'], tenant: string, given: Given<keyof typeof common>): object {
  const schedules = readSelection(step, given);
  const pageSize = given.text('page-size');
  return {
    tenant,
    ...(schedules === undefined ? {} : { schedules }),
    ...(pageSize === undefined ? {} : { pageSize: /^\d+$/.test(pageSize) ? Number(pageSize) : pageSize }),
  };
}

function texts<Name extends string>(given: Given<Name>, names: Name[]): object {
  const values = names.map((name) => [name, given.text(name)] as const);
  return Object.fromEntries(values.filter(([, value]) => value !== undefined));
}

function waitedFor(given: Given<keyof typeof common>, byDefault: string): { workflowId: string; json: boolean } {
  return { workflowId: given.text('workflow-id') ?? byDefault, json: given.flag('json') };
}
