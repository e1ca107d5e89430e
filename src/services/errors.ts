/**
 * Why a call was not routed: nothing was sent. (But for a start whose answer had been lost before: then it is not known
 * whether there is one, as with a lost answer of the SDK's own client.) Each names the tenant, what was found, what is
 * accepted and what to do. They reach the caller as they are, not inside the SDK's `ServiceError`.
 */
export abstract class RoutingError extends Error {
  readonly tenant: string;

  constructor(tenant: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.tenant = tenant;
  }
}

/** The tenant has no record, or one without a route, and there is no `assume`. */
export class UnknownTenant extends RoutingError {
  override name = 'UnknownTenant';
}

/** The route names a profile that this environment does not have. */
export class AbsentCluster extends RoutingError {
  override name = 'AbsentCluster';
  readonly profile: string;

  constructor(tenant: string, profile: string, present: readonly string[]) {
    super(
      tenant,
      `tenant "${tenant}" may have workflows on "${profile}", which this environment does not have; it has ${listed(present)}. ` +
        `Have both [profile.${profile}] in temporal.toml and "${profile}" in \`clusters\`; or, where starts go there, send them ` +
        `elsewhere: ferry route ${tenant} --to ${present[0] ?? '<profile>'}; or, where they do not and none is open there: ` +
        `ferry route ${tenant} --drained ${profile}`,
    );
    this.profile = profile;
  }
}

/** What the record publishes is not a route. */
export class BadRoute extends RoutingError {
  override name = 'BadRoute';
}

/** No route is known whose lease has not run out, and the record cannot be read, or is nobody's any more. */
export class RouteUnavailable extends RoutingError {
  override name = 'RouteUnavailable';
}

export function listed(names: readonly string[]): string {
  return names.map((name) => `"${name}"`).join(', ') || 'none';
}
