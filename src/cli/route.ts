/** `ferry route`: shows and sets where a tenant's workflows start. */
import { holderText } from '../workflows/tenant-record.ts';
import type { Route } from '../routes/route.ts';
import { routeSentence } from '../routes/sentence.ts';
import { ANSWER_MS } from './control.ts';
import type { World } from './commands.ts';
import { type LookOn, requireDrained, requireOnRoute } from './drained.ts';
import { CliError, EXIT, type ExitCode } from './exit.ts';
import type { RouteAsked } from './route-args.ts';
import { shell } from './words.ts';

export async function route(
  { control, io }: World,
  asked: RouteAsked,
  lookOn: (query: string) => LookOn,
): Promise<ExitCode> {
  const { tenant, change, json } = asked;
  if (change === null) {
    const record = await control.record(tenant);
    if (!record?.route) throw unknown(tenant, record?.owner ?? null);
    tell(record.route);
    return EXIT.ok;
  }
  const before = await control.record(tenant);
  if ('drained' in change) {
    const { drained, query, force } = change;
    if (!before?.route) throw unknown(tenant, before?.owner ?? null);
    requireOnRoute(tenant, before.route, drained);
    if (before.route.undrained.includes(drained) && !force) await requireDrained(lookOn(query), tenant, drained);
  }
  const unsaid = 'to' in change && change.current === undefined;
  // Nobody has said where its workflows start now, so the record takes the new place to be it.
  const guessed = unsaid && !before?.route && !before?.owner;
  const answer = await ('drained' in change
    ? control.setDrained(tenant, change.drained)
    : control.setRoute(tenant, change));
  if (answer === 'silent') {
    throw new CliError(
      EXIT.unwished,
      `No worker answered within ${(2 * ANSWER_MS) / 1000} s: is \`ferry worker\` running? Whether the change is taken when one is up ` +
        `is not known; see then: ferry route ${shell(tenant)}`,
    );
  }
  if ('held' in answer) {
    const { held } = answer;
    const rest =
      held.step === undefined
        ? 'which changes its route itself. Nothing was changed: wait for it, or roll it back.'
        : 'and nothing was changed: wait for it, or cancel it.';
    throw new CliError(EXIT.unwished, `${tenant} is held by ${holderText(held)}, ${rest}`);
  }
  if ('notBefore' in answer) {
    throw new CliError(
      EXIT.unwished,
      `The route of ${tenant} is just changing, and readers act on that. Nothing was changed: give the command again ` +
        `after ${answer.notBefore}.`,
    );
  }
  if (!answer.route) throw unknown(tenant, null);
  tell(answer.route);
  if (guessed) {
    io.err(
      `This is its first route, in force at once. Only where services \`assume\` another profile: give --from <that profile> too.`,
    );
  }
  return EXIT.ok;

  function tell(found: Route): void {
    io.out(
      json ? JSON.stringify({ tenant, route: found }, null, 2) : `${tenant}: its workflows ${routeSentence(found)}`,
    );
  }
}

function unknown(tenant: string, owner: string | null): CliError {
  const profile = owner ?? '<profile>';
  return new CliError(
    EXIT.unwished,
    `${tenant} has no route${owner === null ? '' : ` (its schedules run on ${owner})`}. Set where its workflows start: ` +
      `ferry route ${shell(tenant)} --to ${profile}`,
  );
}
