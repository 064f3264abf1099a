/** `uptally/client`: the API for programs. docs/guides/client.md has it by example. */
export { ApiError, type FieldFault } from './wire/api-error.ts';
export { Uptally, type UptallyOptions } from './uptally.ts';
export type { CallOptions, Instant, Query } from './calls/caller.ts';
export type { Range, Steps } from './calls/metering.ts';
export type { PriceListAsked } from './calls/prices.ts';
export type { Method } from './wire/client.ts';
export type * from './shapes/balance.ts';
export type * from './shapes/billing.ts';
export type * from './shapes/catalog.ts';
export type * from './shapes/access.ts';
export type * from './shapes/metering.ts';
export type * from './shapes/money.ts';
export type * from './shapes/prices.ts';
