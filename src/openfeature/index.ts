/** `temporal-ferry/openfeature`: routes as flags, and flags as routes. Needs `@openfeature/server-sdk` beside it. */
export { FerryProvider } from './provider.ts';
export { type FlagRoutes, FlagRefused, flagRoutes } from './flag-routes.ts';
export type { RouteSource } from '../services/ports.ts';
