/** The calls of the demo, with the parts of the answers that it reads. Its figures are far below 2⁵³. */
import { z } from 'zod';
import type { ApiClient } from '../client/client.ts';
import { formatInstant } from '../domain/instant.ts';

const Status = z.object({
  log: z.object({ appended: z.number(), aggregated: z.number(), stored: z.number() }),
  watermark: z.string().nullable(),
  samples: z.object({ accepted: z.number(), applied: z.number(), duplicate: z.number(), conflict: z.number() }),
});
const Traffic = z.object({
  rows: z.array(z.object({ start: z.string(), nic: z.string(), rx_bytes: z.number(), tx_bytes: z.number() })),
  next: z.string().nullable(),
});
const Uptime = z.object({
  rows: z.array(
    z.object({
      start: z.string(),
      up_ms: z.number(),
      down_ms: z.record(z.string(), z.number()),
      silent_ms: z.number(),
      unavailable_minutes: z.number(),
      credit_nanos: z.number(),
    }),
  ),
});
const Outages = z.object({
  rows: z.array(
    z.object({ start: z.string(), end: z.string().nullable(), cause: z.string(), duration_ms: z.number().nullable() }),
  ),
});
export type DemoOutage = z.infer<typeof Outages>['rows'][number];

export interface DemoApi {
  status(): Promise<z.infer<typeof Status>>;
  traffic(vm: string): Promise<z.infer<typeof Traffic>['rows']>;
  uptime(vm: string): Promise<z.infer<typeof Uptime>['rows']>;
  /** Of one VM; none if nothing is known of it yet. */
  outages(vm: string): Promise<DemoOutage[]>;
}

/** `toMs`: where the questions end; both are whole minutes. */
export function demoApi(client: ApiClient, fromMs: number, toMs: number): DemoApi {
  const range = `from=${formatInstant(fromMs)}&to=${formatInstant(toMs)}`;
  const get = async <T extends z.ZodType>(shape: T, path: string): Promise<z.infer<T>> =>
    shape.parse((await client.call('GET', path)).json);
  return {
    status: () => get(Status, '/v1/status'),
    traffic: async (vm) => (await get(Traffic, `/v1/vms/${vm}/traffic?${range}&step=minute&by=nic`)).rows,
    uptime: async (vm) => (await get(Uptime, `/v1/vms/${vm}/uptime?${range}&step=minute`)).rows,
    outages: async (vm) => (await get(Outages, `/v1/vms/${vm}/outages?${range}`)).rows,
  };
}
