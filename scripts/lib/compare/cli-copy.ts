/**
 * `temporal schedule describe -o json` as the flags of `temporal schedule create`. What has no flag is left out, and the
 * comparison of both sides' definitions finds it: headers, retry policies, excluded times, memo fields that are not JSON,
 * payload metadata that is not text (a cipher's nonce: an argument of a program can carry no arbitrary bytes).
 */

export interface JsonPayload {
  metadata?: Record<string, string>;
  data?: string;
}

interface Fields {
  fields?: Record<string, JsonPayload>;
}

interface Attributes {
  indexedFields?: Record<string, JsonPayload>;
}

interface Range {
  start?: number;
  end?: number;
  step?: number;
}

const calendarFields = ['second', 'minute', 'hour', 'dayOfMonth', 'month', 'dayOfWeek', 'year'] as const;

type Calendar = { comment?: string } & Partial<Record<(typeof calendarFields)[number], Range[]>>;

/** What of the CLI's JSON is read here. Durations and times are text such as `7s`; zeros and empty parts are absent. */
export interface DescribedJson {
  schedule: {
    spec: {
      interval?: { interval: string; phase?: string }[];
      structuredCalendar?: Calendar[];
      timezoneName?: string;
      jitter?: string;
      startTime?: string;
      endTime?: string;
    };
    action: {
      startWorkflow: {
        workflowId: string;
        workflowType: { name: string };
        taskQueue: { name: string };
        input?: { payloads?: JsonPayload[] };
        workflowExecutionTimeout?: string;
        workflowRunTimeout?: string;
        workflowTaskTimeout?: string;
        memo?: Fields;
        searchAttributes?: Attributes;
        userMetadata?: { summary?: JsonPayload; details?: JsonPayload };
      };
    };
    policies: { overlapPolicy?: string; catchupWindow?: string; pauseOnFailure?: boolean };
    state: { notes?: string; paused?: boolean; limitedActions?: boolean; remainingActions?: string };
  };
  memo?: Fields;
  searchAttributes?: Attributes;
}

/** Arguments of `temporal schedule create`, for a paused copy. */
export function createFlags({ schedule, memo, searchAttributes }: DescribedJson): string[] {
  const { spec, action, policies, state } = schedule;
  const { startWorkflow: workflow } = action;
  const limit = state.limitedActions ? state.remainingActions : undefined;
  return [
    ...flag('interval', ...(spec.interval ?? []).map(({ interval, phase }) => `${interval}/${phase ?? '0s'}`)),
    ...flag('calendar', ...(spec.structuredCalendar ?? []).map((calendar) => JSON.stringify(asText(calendar)))),
    ...flag('time-zone', spec.timezoneName),
    ...flag('jitter', spec.jitter),
    ...flag('start-time', spec.startTime),
    ...flag('end-time', spec.endTime),
    ...flag('workflow-id', workflow.workflowId),
    ...flag('type', workflow.workflowType.name),
    ...flag('task-queue', workflow.taskQueue.name),
    ...inputFlags(workflow.input?.payloads ?? []),
    ...flag('execution-timeout', workflow.workflowExecutionTimeout),
    ...flag('run-timeout', workflow.workflowRunTimeout),
    ...flag('task-timeout', workflow.workflowTaskTimeout),
    ...flag('memo', ...jsonFields(workflow.memo?.fields)),
    ...flag('search-attribute', ...jsonFields(workflow.searchAttributes?.indexedFields)),
    ...flag('static-summary', jsonText(workflow.userMetadata?.summary)),
    ...flag('static-details', jsonText(workflow.userMetadata?.details)),
    ...flag('overlap-policy', policies.overlapPolicy && policyName(policies.overlapPolicy)),
    ...flag('catchup-window', policies.catchupWindow),
    ...(policies.pauseOnFailure ? ['--pause-on-failure'] : []),
    ...flag('remaining-actions', limit),
    ...flag('notes', state.notes),
    ...flag('schedule-memo', ...jsonFields(memo?.fields)),
    ...flag('schedule-search-attribute', ...jsonFields(searchAttributes?.indexedFields)),
    '--paused',
  ];
}

function flag(name: string, ...values: (string | undefined)[]): string[] {
  return values.flatMap((value) => (value === undefined || value === '' ? [] : [`--${name}`, value]));
}

const rangeText = ({ start = 0, end = start, step = 1 }: Range): string => `${start}-${Math.max(start, end)}/${step}`;

/** Ranges as text, the form the flag takes; a single value has no end, and every step is 1 unless it says else. */
function asText(calendar: Calendar): Record<string, string> {
  const parts = calendarFields.map((name) => [name, (calendar[name] ?? []).map(rangeText).join(',')]);
  return Object.fromEntries([...parts, ['comment', calendar.comment ?? '']].filter(([, text]) => text !== ''));
}

/** `SCHEDULE_OVERLAP_POLICY_BUFFER_ALL` is `BufferAll` to the flag. */
function policyName(value: string): string {
  const words = value.replace('SCHEDULE_OVERLAP_POLICY_', '').toLowerCase().split('_');
  return words.map((word) => word.slice(0, 1).toUpperCase() + word.slice(1)).join('');
}

/** Every key once per payload and in their order: that is how the CLI gives metadata to inputs. */
function inputFlags(payloads: readonly JsonPayload[]): string[] {
  if (payloads.length === 0) return [];
  const metadata = payloads.flatMap((payload) => Object.entries(payload.metadata ?? {}));
  const texts = metadata.flatMap(([key, value]) => {
    const text = textOf(value);
    return text === undefined ? [] : [`${key}=${text}`];
  });
  const data = payloads.map((payload) => payload.data ?? '');
  return ['--input-base64', ...data.flatMap((value) => ['--input', value]), ...flag('input-meta', ...texts)];
}

function jsonFields(fields: Record<string, JsonPayload> | undefined): string[] {
  return Object.entries(fields ?? {}).flatMap(([name, payload]) => {
    const json = jsonOf(payload);
    return json === undefined ? [] : [`${name}=${json}`];
  });
}

function jsonText(payload: JsonPayload | undefined): string | undefined {
  const json = payload && jsonOf(payload);
  return json === undefined ? undefined : String(JSON.parse(json));
}

function jsonOf({ metadata, data }: JsonPayload): string | undefined {
  return textOf(metadata?.encoding ?? '') === 'json/plain' ? textOf(data ?? '') : undefined;
}

/** Undefined where the bytes are no text that can be an argument. */
function textOf(base64: string): string | undefined {
  const bytes = Buffer.from(base64, 'base64');
  const text = bytes.toString('utf8');
  return text.includes('\0') || !Buffer.from(text, 'utf8').equals(bytes) ? undefined : text;
}
