/** The raw schedule calls of WorkflowService that a routed service answers itself. A request's namespace is not looked at. */
import type { temporal } from '@temporalio/proto';

type Api = temporal.api.workflowservice.v1.WorkflowService;
type Messages = {
  createSchedule: [
    temporal.api.workflowservice.v1.ICreateScheduleRequest,
    temporal.api.workflowservice.v1.ICreateScheduleResponse,
  ];
  updateSchedule: [
    temporal.api.workflowservice.v1.IUpdateScheduleRequest,
    temporal.api.workflowservice.v1.IUpdateScheduleResponse,
  ];
  patchSchedule: [
    temporal.api.workflowservice.v1.IPatchScheduleRequest,
    temporal.api.workflowservice.v1.IPatchScheduleResponse,
  ];
  deleteSchedule: [
    temporal.api.workflowservice.v1.IDeleteScheduleRequest,
    temporal.api.workflowservice.v1.IDeleteScheduleResponse,
  ];
  describeSchedule: [
    temporal.api.workflowservice.v1.IDescribeScheduleRequest,
    temporal.api.workflowservice.v1.IDescribeScheduleResponse,
  ];
  listSchedules: [
    temporal.api.workflowservice.v1.IListSchedulesRequest,
    temporal.api.workflowservice.v1.IListSchedulesResponse,
  ];
  listScheduleMatchingTimes: [
    temporal.api.workflowservice.v1.IListScheduleMatchingTimesRequest,
    temporal.api.workflowservice.v1.IListScheduleMatchingTimesResponse,
  ];
};

export type ScheduleMethod = keyof Messages & keyof Api;
export type RequestOf<M extends ScheduleMethod> = Messages[M][0];
export type AnswerOf<M extends ScheduleMethod> = Messages[M][1];

export type ScheduleMethods = {
  [M in ScheduleMethod]: (request: RequestOf<M>) => Promise<AnswerOf<M>>;
};

export const SCHEDULE_METHODS = [
  'createSchedule',
  'updateSchedule',
  'patchSchedule',
  'deleteSchedule',
  'describeSchedule',
  'listSchedules',
  'listScheduleMatchingTimes',
] as const satisfies readonly ScheduleMethod[];
