import { z } from 'zod';
import { Outage, TrafficRow, UptimeRow } from '../shapes/metering.ts';
import { type Caller, type Instant, instantText, type Query, segment } from './caller.ts';

/** What a question spans: `from` is in it, `to` is not; both aligned to the step in `tz`. */
export interface Range {
  readonly from: Instant;
  readonly to: Instant;
}

export interface Steps extends Range {
  readonly step: 'minute' | 'hour' | 'day' | 'month';
  /** Of days and months; UTC if left out. */
  readonly tz?: string;
}

const Rows = <T extends z.ZodType>(row: T) => z.looseObject({ rows: z.array(row), next: z.string().nullable() });
const between = (from: Instant, to: Instant): Query => ({ from: instantText(from), to: instantText(to) });

/** Usage of VMs and of accounts. Rows come as async iterators, page after page. */
export class Metering {
  readonly #caller: Caller;

  constructor(caller: Caller) {
    this.#caller = caller;
  }

  /** Bytes of a VM, by step; `by: 'nic'` gives each interface its rows. */
  traffic(vm: string, { from, to, ...rest }: Steps & { readonly by?: 'nic'; readonly nic?: string }): AsyncGenerator<TrafficRow> {
    return this.#rows(TrafficRow, `/v1/vms/${segment(vm)}/traffic`, { ...rest, ...between(from, to) });
  }

  /** Uptime of a VM, by step. `incidents: 'raw'` answers causes as agents reported them. */
  uptime(vm: string, { from, to, ...rest }: Steps & { readonly incidents?: 'raw' | 'applied' }): AsyncGenerator<UptimeRow> {
    return this.#rows(UptimeRow, `/v1/vms/${segment(vm)}/uptime`, { ...rest, ...between(from, to) });
  }

  /** Outages of a VM that overlap the range, whole. */
  outages(vm: string, { from, to }: Range): AsyncGenerator<Outage> {
    return this.#rows(Outage, `/v1/vms/${segment(vm)}/outages`, between(from, to));
  }

  /** Bytes of an account's VMs together; `by: 'vm'` one by one. */
  accountTraffic(account: string, { from, to, ...rest }: Steps & { readonly by?: 'vm' }): AsyncGenerator<TrafficRow> {
    return this.#rows(TrafficRow, `/v1/accounts/${segment(account)}/traffic`, { ...rest, ...between(from, to) });
  }

  accountUptime(account: string, { from, to, ...rest }: Steps & { readonly by?: 'vm' }): AsyncGenerator<UptimeRow> {
    return this.#rows(UptimeRow, `/v1/accounts/${segment(account)}/uptime`, { ...rest, ...between(from, to) });
  }

  #rows<T extends z.ZodType>(shape: T, path: string, query: Query): AsyncGenerator<z.infer<T>> {
    return this.#caller.pages(async (cursor) => {
      const { rows, next } = await this.#caller.json(Rows(shape), 'GET', path, {
        query: cursor === undefined ? query : { cursor },
      });
      return { rows, next };
    });
  }
}
