/** Lists and counts go over all clusters of the tenant, one after the other: each in its own order, none sorted into another. */
import Long from 'long';
import type { temporal } from '@temporalio/proto';
import { placesOf } from './locate.ts';
import type { Call } from './methods.ts';
import { type PageToken, readPageToken, writePageToken } from './page-token.ts';
import { type Parts, send } from './parts.ts';

type Count = temporal.api.workflowservice.v1.ICountWorkflowExecutionsResponse;

export function listMethods(parts: Parts): Record<string, Call> {
  const list = (method: string): Call => {
    return async (request) => {
      const { nextPageToken } = request as { nextPageToken?: Uint8Array | null };
      const at: PageToken = nextPageToken?.length ? readPageToken(nextPageToken) : await firstPage(parts);
      const page = await send(parts, at.profile, method, { ...request, nextPageToken: at.token });
      return { ...page, nextPageToken: following(at, page) };
    };
  };
  const methods = ['listWorkflowExecutions', 'scanWorkflowExecutions', 'listOpenWorkflowExecutions'];
  methods.push('listClosedWorkflowExecutions', 'listArchivedWorkflowExecutions');
  return {
    ...Object.fromEntries(methods.map((method) => [method, list(method)])),
    countWorkflowExecutions: async (request) => {
      const { all } = await placesOf(parts, '');
      return sum(await Promise.all(all.map((profile) => send(parts, profile, 'countWorkflowExecutions', request))));
    },
  };
}

async function firstPage(parts: Parts): Promise<PageToken> {
  const { home, all } = await placesOf(parts, '');
  return { profile: home, token: new Uint8Array(), left: all.filter((name) => name !== home) };
}

function following({ profile, left = [] }: PageToken, page: { nextPageToken?: Uint8Array | null }): Uint8Array {
  if (page.nextPageToken?.length) return writePageToken({ profile, token: page.nextPageToken, left });
  const [next, ...rest] = left;
  return next === undefined ? new Uint8Array() : writePageToken({ profile: next, token: new Uint8Array(), left: rest });
}

/** Groups of the same value are one. */
function sum(answers: Count[]): Count {
  const groups = new Map<string, { groupValues: NonNullable<Count['groups']>[number]['groupValues']; count: Long }>();
  for (const { groupValues, count } of answers.flatMap((answer) => answer.groups ?? [])) {
    const key = (groupValues ?? []).map(({ data }) => Buffer.from(data ?? []).toString('base64')).join();
    groups.set(key, { groupValues, count: added(groups.get(key)?.count, count) });
  }
  return {
    count: answers.reduce<Long>((total, { count }) => added(total, count), Long.ZERO),
    groups: [...groups.values()],
  };
}

function added(total: Long | undefined, count: Count['count']): Long {
  return (total ?? Long.ZERO).add(Long.fromValue(count ?? 0));
}
