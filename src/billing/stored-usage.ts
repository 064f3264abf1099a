import type { OutageInterval } from '../domain/timeline.ts';
import type { RatedFrom } from '../query/rows-behind.ts';
import type { Span } from '../query/span.ts';
import type { NoteSay } from '../rating/note.ts';
import type { PlanTraffic } from '../rating/order.ts';
import type { Segment } from '../rating/served.ts';
import type { Bytes } from '../rating/traffic.ts';

/** What is stored of many accounts' VMs for one period: read together, since a statement costs more than the rows of a VM. */
export interface Usage {
  readonly fromMs: number;
  readonly toMs: number;
  /** The days of the period: UTC minutes, the same for every account. */
  readonly edges: readonly number[];
  /** By VM. */
  readonly services: ReadonlyMap<string, readonly Segment[]>;
  readonly spans: ReadonlyMap<string, Span>;
  readonly outages: ReadonlyMap<string, readonly OutageInterval[]>;
  readonly traffic: ReadonlyMap<string, readonly PlanTraffic[]>;
  readonly trafficByDay: ReadonlyMap<string, readonly Bytes[]>;
  readonly stored: RatedFrom;
  /** By account: what of its address, or of the issuer's, can't be printed. */
  readonly unprintable: ReadonlyMap<string, readonly NoteSay[]>;
}
