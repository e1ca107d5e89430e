/** What `--help` says: what a command does, its options, and examples to copy. */
import type { Topic } from './args.ts';

const ENVIRONMENT = `Environment
  TEMPORAL_CONFIG_FILE    the temporal.toml with the profiles
  FERRY_CONTROL_PROFILE   profile of the namespace the migrations run in (default: control)
  FERRY_TASK_QUEUE        task queue of the ferry worker (default: ferry)
  FERRY_METRICS_ADDRESS   host:port at which the worker serves Prometheus metrics (default: not served)
  TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE and TEMPORAL_API_KEY are not used: they would turn every profile into one cluster.`;

const EXIT_CODES = `Exit codes
  0  as wished
  1  not as wished: failed, rolled back, refused, or a plan with blockers
  2  the command line is not acceptable; nothing was sent
  3  the control cluster or its profile cannot be had`;

const INPUT = `  --from <profile>            where the schedules run now (default: cloud)
  --to <profile>              where they shall run (default: selfhosted)
  --schedules <query>|none    which schedules, as a visibility query (default: TenantId = '<tenant>'); none: only
                              workflows on demand move
  --prefix <text>             instead: those whose id begins so
  --all-schedules             instead: every schedule of the namespace
  --workflows <query>|none    which workflows on demand: the route changes with the schedules, and the source is drained
                              of them (default: TenantId = '<tenant>'); none: only schedules move
  --bake <duration>           how long the source stays ready after the cut-over (default: "1 hour"; "0" for none)
  --bake-check-every <dur.>   how often ownership is checked meanwhile (default: a tenth of the bake, within limits)
  --gates <json>              what is measured during the bake, and turns it back when it is bad: docs/gates.md
  --approval auto|manual      manual: hold before the cut-over until \`ferry proceed\` (default: auto)
  --page-size <1 to 250>      schedules a page (default: a quarter of all, 10 to 250)
  --open-run-limit <duration> how long an open run may hold up its own schedule (default: "60 seconds")
  --drain-limit <duration>    after the bake, how long to wait for open workflows on demand to end (default: without end)`;

const STEP_OPTIONS = `  --schedules <query>         which schedules, as a visibility query (default: TenantId = '<tenant>')
  --prefix <text>             instead: those whose id begins so
  --all-schedules             instead: every schedule of the namespace
  --page-size <1 to 250>      schedules a page (default: 100)`;

const SUBJECT = `<tenant> may also be a rollout, or the workflow id of either. For a tenant the migration that holds it is meant, whatever
its workflow id; when none does, the one with the id migrate/<tenant>. A rollout is known by its name or its workflow id,
rollout/<name>; each of its migrations has the id rollout/<name>/<tenant>.`;

const FALLBACK = `It is sent as an update, which answers in a sentence or refuses what makes no sense now. When no worker answers within
5 s it is sent as a signal instead: that is kept, and obeyed as soon as a worker is up.`;

const OVERVIEW = `ferry: moves a tenant between two Temporal clusters; every schedule time runs exactly once, every workflow starts once.

  ferry worker                 run migrations (one process is enough; more share the work)
  ferry plan <tenant>          what a migration would do, and what stands against it; changes no schedule
  ferry migrate <tenant>       start a migration
  ferry rollout <name>         migrate many tenants, wave after wave
  ferry status <tenant>        where it stands; a rollout, too
  ferry route <tenant>         where its workflows start; sets it, too
  ferry audit <tenant>         what its schedules did: once, twice, missed, on the wrong side, and why; reads only
  ferry compare <tenant>       its workflow types on both clusters: counts, failure rates, durations; reads only
  ferry reconcile <tenant>     bring the paused copies in line with their schedules
  ferry copy <tenant>          paused copies of its schedules on the other cluster, and no more
  ferry verify <tenant>        compare its schedules on both clusters field by field; reads only
  ferry pause-schedules <tenant>     pause its schedules on one cluster
  ferry unpause-schedules <tenant>   let run again what ferry paused there
  ferry rollback <tenant>      take everything back, from any phase
  ferry pause <tenant>         hold between schedules
  ferry resume <tenant>        go on where it was paused
  ferry proceed <tenant>       approve what it waits for, or end the bake or the drain now
  ferry skip <rollout> <tenant>   leave a tenant of a rollout out

  ferry <command> --help       options and examples

${ENVIRONMENT}

${EXIT_CODES}`;

const TOPIC_HELP: Record<Topic, string> = {
  worker: `ferry worker: runs migrations until SIGTERM or Ctrl-C.

It then takes no new work and gives what it does up to 2 minutes. What is not done by then begins no further schedule,
sees those behind a fence through, and ends. The migration goes on with the next worker.

Examples
  ferry worker
  TEMPORAL_CONFIG_FILE=./temporal.toml ferry worker

${ENVIRONMENT}`,

  migrate: `ferry migrate <tenant>: starts a migration of the tenant: its schedules, and where its workflows start.

${INPUT}
  --dry-run                   stop after preflight, with the plan (see \`ferry plan\`)
  --workflow-id <id>          default: migrate/<tenant>; of a dry run plan/<tenant>
  --wait                      follow it to its end; the exit code is 0 only if it completed
  --json                      print one JSON document: what was started or, with --wait, how it ended

Examples
  ferry plan acme && ferry migrate acme --wait
  ferry migrate acme --from selfhosted --to cloud             the way back is a migration, too
  ferry migrate acme --approval manual --bake "24 hours"      holds before the cut-over until: ferry proceed acme
  ferry migrate acme --schedules "TenantId = 'acme' AND TemporalSchedulePaused = false"
  ferry migrate acme --prefix acme- --bake 0
  ferry migrate acme --bake "2 hours" --gates "$(cat gates.json)"

Stopping to wait (Ctrl-C) does not stop the migration: follow it with \`ferry status acme --watch\`.

${EXIT_CODES}`,

  plan: `ferry plan <tenant>: what a migration would do, and everything that stands against it. Changes no schedule.

${INPUT}
  --workflow-id <id>          default: plan/<tenant>
  --json                      print the whole report as one JSON document

It waits for the plan and exits with 0 when nothing stands against it, with 1 when there are blockers. It holds the
tenant's lock while it looks, so it is refused while a migration of the tenant runs. Ctrl-C does not end it: the same
command again waits for the one that runs.

Examples
  ferry plan acme
  ferry plan acme --json | jq '.blockers'
  ferry plan acme --from selfhosted --to cloud

${EXIT_CODES}`,

  rollout: `ferry rollout <name>: migrates many tenants, wave after wave, each by a migration of its own.

  --wave <name>=<tenants>     a wave: tenants with commas between, in this order; give it once for every wave. Or
                              "<name>=query: <query>": the tenants whose schedules on the source match, by their TenantId
  --file <file>               instead of all options below: the whole input as JSON (see docs/rollouts.md)
  --from <profile>            where the tenants run now (default: cloud)
  --to <profile>              where they shall run (default: selfhosted)
  --concurrency <1 to 50>     how many of a wave migrate at a time (default: 1)
  --approval auto|manual      manual: hold between waves until \`ferry proceed\` (default: auto)
  --bake <duration>           of each migration (default: "1 hour")
  --schedules <query>|none    of each migration; {tenant} in it stands for the tenant (default: TenantId = '{tenant}')
  --prefix <text>             instead: those whose id begins so, such as "{tenant}-"
  --workflows <query>|none    of each migration, likewise
  --workflow-id <id>          default: rollout/<name>
  --wait                      follow it to its end; the exit code is 0 only if every tenant is there or was skipped
  --json                      print one JSON document: what was started or, with --wait, how it ended

It stops at the first tenant that fails or turns back: the rest is not touched, and it waits for you. The same command given
again after it has ended, or was terminated, does not redo what is done.

Examples
  ferry rollout 2026-11 --wave canary=acme --wave eu=globex,initech --wave "rest=query: TenantId IS NOT NULL" --approval manual
  ferry rollout 2026-11 --file waves.json --wait
  ferry status 2026-11 --watch
  ferry rollback 2026-11 --scope all --reason "p95 doubled"

${EXIT_CODES}`,

  skip: `ferry skip <rollout> <tenant>: leaves a tenant of a rollout out.

One that waits is not started; one that went wrong holds the rollout up no longer; in a rollback one that does not get back is
left where it is. A tenant whose migration runs is not skipped: \`ferry rollback rollout/<name>/<tenant>\` turns that back.

${FALLBACK}

Example
  ferry skip 2026-11 acme

${EXIT_CODES}`,

  status: `ferry status <tenant>: where the migration stands, what it waits for, and what to send it.

  --watch   go on showing every change until it ends; the exit code is then 0 only if it completed (or was a plan)
  --json    one JSON document; with --watch one a line

${SUBJECT}

It asks the query \`progress\`. When no worker answers, or the migration has ended, it shows what the memo or the result
keeps, and says so.

Examples
  ferry status acme
  ferry status acme --watch
  ferry status acme --json | jq '.progress.schedules'

${EXIT_CODES}`,

  route: `ferry route <tenant>: where the tenant's workflows start, as services read it. Without an option it shows that; no worker is needed.

  --to <profile>            start them there
  --split <profile>:<n>     but n percent of the workflow ids on this profile (stable by id)
  --from <profile>          where they start while no route is set (default: the recorded owner; without one, --to itself).
                            Needed with the first --to where services \`assume\` another profile than --to
  --drained <profile>       it holds no open workflow of the tenant any more: services stop asking it first. Refused where
                            one is found open there, or it cannot be asked
    --workflows "<query>"   which workflows are the tenant's (default: TenantId = '<tenant>')
    --force                 without looking, for a cluster that is gone for good
  --json                    one JSON document

A tenant nobody has migrated is registered by its first --to, which holds at once unless --from or --split say otherwise. A
change takes effect 25 s later, when every service knows of it; all of them need a worker. While a migration holds the tenant it
is refused: that changes the route itself.

With \`assume\` a tenant without a route has its workflows there. Its first route must then be a change, by --from or by a
migration: one that holds at once is heard of by one service before the other, and an id may be started on both sides.

Examples
  ferry route acme
  ferry route acme --to cloud                              registers it
  ferry route acme --from cloud --to selfhosted            its first route, where services assume cloud: changes in 25 s
  ferry route acme --to cloud --split selfhosted:20
  ferry route acme --drained cloud

${EXIT_CODES}`,

  audit: `ferry audit <tenant>: what the tenant's schedules did over a time range, asked of the clusters themselves.

Reads only. It needs no worker and no control cluster, and works on clusters ferry never touched.

  --from <profile> --to <profile>   the two clusters (default: cloud and selfhosted)
  --cluster <profile>               instead: one cluster alone
  --schedules <query>               which schedules, as a visibility query (default: TenantId = '<tenant>')
  --prefix <text>                   instead: those whose id begins so
  --all-schedules                   instead: every schedule of the namespaces
  --since <duration>                how far back (default: "1 hour")
  --range <time>/<time>             instead: such as 2026-11-24T00:00:00Z/2026-11-24T06:00:00Z
  --late-after <duration>           how far behind its due time a run is late (default: "60 seconds")
  --json                            one JSON document a line: every time that did not simply run once, then {"summary": …}
  --every-time                      with --json: also the times that ran once

Every nominal time gets one verdict. Wrong are
  duplicate         ran more than once, on one cluster or on both
  missed            did not run, and nothing accounts for it
  wrong-side        ran on the cluster that did not own the schedule then, by the marks of its last hand-over
To look at
  late              ran once, further behind than --late-after, and no policy accounts for it
  inconclusive      the evidence has expired or cannot be had; the reason says which
Accounted for
  skipped-overlap, skipped-catchup, buffered, user-paused, limit-reached, and manual: a run the spec does not have

The last 30 s are left out: their runs may be missing in lists. Exit code 0 says that nothing is wrong; what is
inconclusive does not change it, and is told.

Examples
  ferry audit acme --since 24h
  ferry audit acme --cluster selfhosted --range 2026-11-24T00:00:00Z/2026-11-24T06:00:00Z
  ferry audit acme --json | jq -c 'select(.verdict == "missed" or .verdict == "duplicate")'
  ferry audit everything --all-schedules --since 1h

Exit codes
  0  nothing is duplicate, missed or on the wrong side
  1  something is; or no schedule was found
  2  the command line is not acceptable; nothing was sent
  3  a cluster to be audited, or its profile, cannot be had`,

  compare: `ferry compare <tenant>: the tenant's workflow types on both clusters side by side, from their visibility.

Reads only. It needs no worker and no control cluster.

  --from <profile> --to <profile>   the two clusters (default: cloud and selfhosted)
  --workflows <query>               which runs, as a visibility query (default: TenantId = '<tenant>')
  --type <workflow type>            one type alone (default: every type found)
  --since <duration>                runs started this far back (default: "1 hour")
  --range <time>/<time>             instead: such as 2026-11-24T00:00:00Z/2026-11-24T06:00:00Z
  --sample <number>                 newest runs read on each cluster, for types and durations (default: 10000)
  --json                            print one JSON document

Per type and cluster
  runs       started in the range, counted by the cluster; "failed" includes timed out
  of ended   failed, of those that completed, failed or timed out; what people terminate or cancel is not in it
  p50, p95   from start to close of the completed runs among those read; "read" says of how many

The last 30 s are left out: their runs may be missing in lists. What a split by percentage sends to either side, and a
tenant before and after its move, can be judged by it; runs still open count as runs and are told besides.

Examples
  ferry compare acme --since 24h
  ferry compare acme --type Invoice --json | jq '.types.Invoice'
  ferry compare acme --workflows "TenantId = 'acme' AND TemporalScheduledById IS NULL"

Exit codes
  0  there is something to compare
  1  no run was found
  2  the command line is not acceptable; nothing was sent
  3  a cluster, or its profile, cannot be had`,

  reconcile: `ferry reconcile <tenant>: brings the paused copies of a tenant's schedules in line with their owners.

Starts the workflow ReconcileSchedules and waits for it, which needs a worker; one that runs already is waited for. Which cluster owns a schedule is read off the schedule: a copy that
is missing is made, one that differs is updated, one whose schedule is gone is removed. Nothing else is written. A copy that
somebody edited where it rests is reported and left. It may run at any time, beside a migration too.

  --from <profile> --to <profile>   the two clusters, in any order (default: cloud and selfhosted)
  --schedules <query>               which schedules, as a visibility query (default: TenantId = '<tenant>')
  --prefix <text>                   instead: those whose id begins so
  --all-schedules                   instead: every schedule of the namespaces
  --page-size <1 to 250>            schedules a page (default: 100)
  --workflow-id <id>                default: reconcile/<tenant>
  --json                            print the report as one JSON document

Exit code 0 says that every copy is in line; 1 that some were left for a person, or are changing hands just now.

Examples
  ferry reconcile acme
  ferry reconcile acme --json | jq '.reasons'

${EXIT_CODES}`,

  copy: `ferry copy <tenant>: makes paused copies of the tenant's schedules on the other cluster, and brings in line those that are there.

Starts the workflow CopySchedules and waits for it, which needs a worker; one that runs already is waited for. It is the
copying of a migration by itself: nothing is handed over, the source is only read, and no copy runs. It holds the tenant's
lock, so it is refused while a migration or another step of the tenant runs.

  --from <profile>            whose schedules are copied (default: cloud)
  --to <profile>              where the copies are made (default: selfhosted)
${STEP_OPTIONS}
  --workflow-id <id>          default: copy/<tenant>/<to>
  --json                      print the report as one JSON document

Exit code 0 says that every schedule has its copy; 1 that some were left for a person or are
not the source's to copy, or that none was found.

Examples
  ferry copy acme && ferry verify acme
  ferry copy acme --from selfhosted --to cloud

${EXIT_CODES}`,

  verify: `ferry verify <tenant>: compares the tenant's schedules on one cluster with those of the other, field by field. Reads only.

Starts the workflow VerifySchedules and waits for it, which needs a worker; one that runs already is waited for. It repairs
nothing, takes no lock, and may run at any time. Told are names of schedules and fields, never values. Pauses, notes and
remaining actions belong to the owner alone and are not compared.

  --from <profile>            whose schedules are compared (default: cloud)
  --to <profile>              with those of this cluster (default: selfhosted)
${STEP_OPTIONS}
  --workflow-id <id>          default: verify/<tenant>/<to>
  --json                      print the report as one JSON document

Exit code 0 says that every schedule matches; 1 that some differ, are missing, or are extra, or that none was found.

Examples
  ferry verify acme
  ferry verify acme --json | jq '.different'

${EXIT_CODES}`,

  'pause-schedules': `ferry pause-schedules <tenant> --cluster <profile>: pauses the schedules that cluster owns.

Starts the workflow PauseSchedules and waits for it, which needs a worker; one that runs already is waited for. (To hold a
migration between schedules is \`ferry pause\`.) A schedule's note then says who paused it, and keeps its user's. What its
user paused, paused copies, and what is in a hand-over are left alone. It holds the tenant's lock.

A pause is no hand-over: due times pass unused while it lasts, V1 schedulers drop starts that wait behind an open run, and
V2 schedulers lose times around both writes. docs/steps.md says which.

  --cluster <profile>         where
  --other <profile>           the other cluster the tenant may be on (default: of cloud and selfhosted the other one); asked
                              only about schedules that do not tell by themselves whose they are
${STEP_OPTIONS}
  --workflow-id <id>          default: pause-schedules/<tenant>/<cluster>
  --json                      print the report as one JSON document

Exit code 0 says that no schedule of the cluster runs any more; 1 that some were left for a person, or that none was found.

Examples
  ferry pause-schedules acme --cluster cloud
  ferry unpause-schedules acme --cluster cloud

${EXIT_CODES}`,

  'unpause-schedules': `ferry unpause-schedules <tenant> --cluster <profile>: lets run again what \`ferry pause-schedules\` paused there.

Starts the workflow UnpauseSchedules and waits for it, which needs a worker; one that runs already is waited for. The note
goes back to what its user wrote. Refused, by name and with nothing of them touched, are schedules that their users paused,
paused copies, those in a hand-over, and those the other cluster runs or cannot be asked about: never does a schedule come
to run on both. It holds the tenant's lock.

  --cluster <profile>         where
  --other <profile>           the other cluster the tenant may be on (default: of cloud and selfhosted the other one)
${STEP_OPTIONS}
  --workflow-id <id>          default: unpause-schedules/<tenant>/<cluster>
  --json                      print the report as one JSON document

Exit code 0 says that all of them run; 1 that some were refused, or that none was found.

Examples
  ferry unpause-schedules acme --cluster cloud
  ferry unpause-schedules acme --cluster cloud --json | jq '.byCode, .reasons'

${EXIT_CODES}`,

  rollback: `ferry rollback <tenant>: takes everything back to the source, from any phase before completion, with the same guarantees.

  --reason <text>      kept in the progress, the result and the tenant's history
  --scope wave|all     of a rollout: the last wave that has changed anything (the default), or everything it has moved; the
                       last tenant first, and then it ends

${SUBJECT}

${FALLBACK}

After completion the way back is a migration of its own: ferry migrate acme --from selfhosted --to cloud

Examples
  ferry rollback acme --reason "p95 doubled"
  ferry rollback acme && ferry status acme --watch

${EXIT_CODES}`,

  pause: `ferry pause <tenant>: holds between schedules, never inside a hand-over. During the bake it stops the clock.
A rollout starts no further tenant; its migrations that run go on.

${SUBJECT}

${FALLBACK}

Example
  ferry pause acme        and later: ferry resume acme

${EXIT_CODES}`,

  resume: `ferry resume <tenant>: goes on where \`ferry pause\` stopped it.

${SUBJECT}

${FALLBACK}

Example
  ferry resume acme

${EXIT_CODES}`,

  proceed: `ferry proceed <tenant>: approves what the migration waits for, or ends the bake or the drain now.

See first what that is: \`ferry status <tenant>\` shows it under "waits for". A rollout that has stopped goes on with the rest.

  --retry    of a rollout that has stopped: try again what went wrong

${SUBJECT}

${FALLBACK}

Example
  ferry status acme && ferry proceed acme

${EXIT_CODES}`,
};

export function help(topic?: Topic): string {
  return topic === undefined ? OVERVIEW : TOPIC_HELP[topic];
}
