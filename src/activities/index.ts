/** All activities, built from their dependencies. */
import { auditPage } from './audit.ts';
import { clusterOf } from './cluster-of.ts';
import { copyPage } from './copy.ts';
import { cutOverPage } from './cut-over.ts';
import type { FerryDeps } from './deps.ts';
import { measureCheck } from './measure.ts';
import { pausePage, unpausePage } from './pause.ts';
import { preflight } from './preflight.ts';
import { reconcilePage, recordReconciled } from './reconcile.ts';
import { surveyTenants, watchMigrations } from './rollout.ts';
import { sweep } from './sweep.ts';
import { createTenantActivities } from './tenant.ts';
import type { FerryActivities } from './types.ts';
import { verifyPage } from './verify.ts';
import { watchOwnership } from './watch.ts';
import { lookAtWorkflows } from './workflows.ts';

export function createActivities(deps: FerryDeps): FerryActivities {
  return {
    ...createTenantActivities({
      client: deps.control,
      taskQueue: deps.taskQueue,
      searchAttributesRegistered: deps.searchAttributesRegistered,
    }),
    preflight: (input) => preflight(deps, input),
    copyPage: (input) => copyPage(deps, input),
    verifyPage: (input) => verifyPage(deps, input),
    cutOverPage: (input) => cutOverPage(deps, input),
    sweep: (input) => sweep(deps, input),
    watchOwnership: (input) => watchOwnership(deps, input),
    lookAtWorkflows: (input) => lookAtWorkflows(deps, input),
    measureCheck: (input) => measureCheck(deps, input),
    auditPage: (input) => auditPage(deps, input),
    reconcilePage: (input) => reconcilePage(deps, input),
    recordReconciled: (input) => recordReconciled(deps, input),
    knowProfiles: async ({ profiles }) => {
      for (const profile of profiles) clusterOf(deps, profile, 'reach');
    },
    pausePage: (input) => pausePage(deps, input),
    unpausePage: (input) => unpausePage(deps, input),
    surveyTenants: (input) => surveyTenants(deps, input),
    watchMigrations: (input) => watchMigrations(deps, input),
  };
}
