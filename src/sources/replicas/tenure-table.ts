/** Tenures of replicas as they are on record in ClickHouse, where doors of all processes claim them. */
import { createHash } from 'node:crypto';
import { binaryText } from '../../store/rowbinary.ts';
import type { Store } from '../../store/store.ts';
import type { TenureRecords } from './elector.ts';
import type { Tenure } from './replica-group.ts';

const STRUCTURE =
  "source String, cluster String, tenure UInt64, step UInt64, replica String, until_ms Int64, recorded_at DateTime64(3, 'UTC')";
/** Tenures of a cluster that are known: what is about instants before belongs to the first of them. */
const TENURES_MAX = 1_000;

export class TenureTable implements TenureRecords {
  readonly #store: Store;
  readonly #now: () => number;

  constructor(store: Store, now: () => number) {
    this.#store = store;
    this.#now = now;
  }

  async read(source: string, cluster: string, fromTenure: number): Promise<readonly Tenure[]> {
    const rows = await this.#store.rows<{ place: string; last: string; who: string; until: string }>(
      `SELECT tenure AS place, max(step) AS last, argMax(replica, step) AS who, argMax(until_ms, step) AS until
       FROM replica_tenures WHERE source = {source:String} AND cluster = {cluster:String} AND tenure >= {from:UInt64}
       GROUP BY place ORDER BY place DESC LIMIT ${TENURES_MAX}`,
      { source, cluster, from: fromTenure },
    );
    return rows.reverse().map(({ place, last, who, until }) => ({
      tenure: Number(place),
      step: Number(last),
      replica: who,
      untilMs: Number(until),
    }));
  }

  /** Every cluster of a source of which a replica was heard, with its last tenure. */
  async clusters(source: string): Promise<readonly (Tenure & { readonly cluster: string })[]> {
    const rows = await this.#store.rows<{ name: string; place: string; last: string; who: string; until: string }>(
      `SELECT cluster AS name, max(tenure) AS place, max(step) AS last, argMax(replica, step) AS who, argMax(until_ms, step) AS until
       FROM replica_tenures WHERE source = {source:String} GROUP BY name ORDER BY name`,
      { source },
    );
    return rows.map(({ name, place, last, who, until }) => ({
      ...{ cluster: name, tenure: Number(place), step: Number(last), replica: who, untilMs: Number(until) },
    }));
  }

  async claim(source: string, cluster: string, { tenure, step, replica, untilMs }: Tenure, attempt: number): Promise<void> {
    const row = Buffer.concat([
      binaryText(source),
      binaryText(cluster),
      numbers(tenure, step),
      binaryText(replica),
      numbers(untilMs, this.#now()),
    ]);
    const pair = createHash('sha256')
      .update(JSON.stringify([source, cluster]))
      .digest('hex')
      .slice(0, 32);
    await this.#store.claim('replica_tenures', STRUCTURE, [row], {
      // The server may have noted the token and been killed before it kept the row: then the next one counts.
      token: `replica-${pair}-${step}-${attempt}`,
      condition: `(SELECT max(step) FROM replica_tenures WHERE source = ${inHex(source)} AND cluster = ${inHex(cluster)}) < ${step}`,
    });
  }
}

/** Names of senders' making in a statement. */
function inHex(text: string): string {
  return `unhex('${Buffer.from(text, 'utf8').toString('hex')}')`;
}

function numbers(...values: number[]): Buffer {
  return Buffer.from(BigInt64Array.from(values, BigInt).buffer);
}
