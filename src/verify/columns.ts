/** Rows by the column (`GET /v1/evidence/{table}/columns`): a line of JSON a VM and interface, each number checked as it is taken. */
import { z } from 'zod';
import { CONDITIONS } from '../domain/condition.ts';
import { parseExact } from './exact-json.ts';
import type { RawSample } from './recompute.ts';
import { VerifyError } from './reader.ts';

/** Below 2⁵³ a number, beyond it a bigint: exact both ways. */
export type Whole = number | bigint;

/** A minute as it is stored, or answered as uptime. */
export interface StoredMinute {
  readonly minuteMs: number;
  /** Milliseconds by condition code. */
  readonly partsMs: readonly number[];
  readonly unavailable: number;
  readonly creditNanos: bigint;
}

/** An interface's minute of traffic as it is stored. */
export interface StoredTraffic {
  readonly nic: string;
  readonly minuteMs: number;
  readonly rxBytes: bigint;
  readonly txBytes: bigint;
}

const MINUTE_MS = 60_000;
/** Integers, and the digits that `parseExact` makes of long ones; which they are is seen when each is taken. */
const column = z.custom<readonly unknown[]>((value) => Array.isArray(value), 'is no column');
const digits = z.string().regex(/^\d+$/);
const lineOf = z.looseObject({ vm: z.string(), rows: z.int().positive() });
const samplesLine = lineOf.extend({
  nic: z.string(),
  ...{ first_ts: digits, first_pos: digits, first_rx_bytes: digits, first_tx_bytes: digits },
  ...{ ts: column, pos: column, rx_bytes: column, tx_bytes: column },
  ...{ condition: column, has_counters: column, epoch: column, agents: z.array(z.string()), agent: column },
  // a server of before says nothing of these
  ...{
    host: z.string().default(''),
    part: z.int().default(0),
    started_ms: column.default([-1]),
    link_mbps: column.default([0]),
    is_sum: column.default([0]),
    hold_s: column.default([0]),
    as_told: column.default([1]),
  },
});
const minutesLine = lineOf.extend({
  first_minute: z.int(),
  ...{ minute: column, unavailable: column, credit_nanos: column },
  ...Object.fromEntries(CONDITIONS.map((condition) => [`${condition}_ms`, column])),
});
const trafficLine = lineOf.extend({ nic: z.string(), first_minute: z.int(), minute: column, rx_bytes: column, tx_bytes: column });

/** What the lines of an answer hold, by VM. */
export interface Columns<Row> {
  /** Rows that were told, also such as count only together. */
  readonly told: number;
  readonly byVm: ReadonlyMap<string, Row[]>;
}

/** Samples in force by time: of versions of one, that with the highest position. */
export function readSamples(text: string): Columns<RawSample> {
  const columns = read(text, samplesLine, (line) => {
    const { vm, nic, rows } = line;
    const chain = chainOf(line);
    const [ts, pos] = [grown(line.first_ts, line.ts, rows), grown(line.first_pos, line.pos, rows)];
    const [rx, tx] = [grown(line.first_rx_bytes, line.rx_bytes, rows), grown(line.first_tx_bytes, line.tx_bytes, rows)];
    const [condition, counted] = [small(line.condition, rows), small(line.has_counters, rows)];
    const [epoch, agent] = [small(line.epoch, rows), small(line.agent, rows)];
    const [started, link, sum] = [small(line.started_ms, rows), small(line.link_mbps, rows), small(line.is_sum, rows)];
    const [hold, told] = [small(line.hold_s, rows), small(line.as_told, rows)];
    const versions: RawSample[] = [];
    for (let i = 0; i < rows; i += 1) {
      const place = at(pos, i);
      versions.push({
        vm,
        nic,
        ...chain,
        tsMs: Number(at(ts, i)),
        counters: at(counted, i) === 0 ? null : { rx: BigInt(at(rx, i)), tx: BigInt(at(tx, i)) },
        epoch: at(epoch, i),
        agent: at(line.agents, at(agent, i)),
        pos: place,
        logIndex: Number(place),
        ...stateOf(at(condition, i)),
        ...more(at(started, i), at(link, i), at(sum, i), at(hold, i)),
        ...(at(told, i) === 1 ? USUAL : ALTERED),
      });
    }
    return inForce(versions);
  });
  // interfaces follow one another: the model wants time
  for (const samples of columns.byVm.values()) samples.sort((a, b) => a.tsMs - b.tsMs);
  return columns;
}

/** In place of a condition: the sample says none. */
const NO_STATE = 9;

const PARTS = [undefined, 'rx', 'tx'] as const;

/** What a line is of besides the interface. */
function chainOf({ host, part }: { readonly host: string; readonly part: number }): Pick<RawSample, 'host' | 'part'> {
  const half = PARTS[part];
  return { ...(host === '' ? {} : { host }), ...(half === undefined ? {} : { part: half }) };
}

function stateOf(code: number): Pick<RawSample, 'condition' | 'saysNoState'> {
  return code === NO_STATE ? { condition: 'up', saysNoState: true } : { condition: at(CONDITIONS, code) };
}

const USUAL = {} as const;
const ALTERED = { isAltered: true } as const;

/** What few samples say; -1 and 0: not said. */
function more(
  startedMs: number,
  linkMbps: number,
  isSum: number,
  holdS: number,
): Pick<RawSample, 'startedAtMs' | 'linkMbps' | 'isSum' | 'holdMs'> {
  if (startedMs < 0 && linkMbps === 0 && isSum === 0 && holdS === 0) return USUAL;
  return {
    ...(startedMs < 0 ? {} : { startedAtMs: startedMs }),
    ...(linkMbps === 0 ? {} : { linkMbps }),
    ...(isSum === 0 ? {} : { isSum: true }),
    ...(holdS === 0 ? {} : { holdMs: holdS * 1000 }),
  };
}

/** Of versions of one sample, which stand by time, the one that is latest in the log. */
function inForce(versions: readonly RawSample[]): RawSample[] {
  const samples: RawSample[] = [];
  for (const version of inOrder(versions, ({ tsMs }) => tsMs)) {
    const last = samples.at(-1);
    if (last?.tsMs !== version.tsMs) samples.push(version);
    else {
      const latest = last.pos < version.pos ? version : last;
      // an altered version is told though another is in force
      samples[samples.length - 1] = (last.isAltered ?? version.isAltered) ? { ...latest, ...ALTERED } : latest;
    }
  }
  return samples;
}

export function readMinutes(text: string): Columns<StoredMinute> {
  return read(text, minutesLine, (line) => {
    const { rows } = line;
    const minute = grown(String(line.first_minute), line.minute, rows);
    const parts = CONDITIONS.map((condition) => small((line as Record<string, unknown[]>)[`${condition}_ms`] ?? [], rows));
    const [unavailable, credit] = [small(line.unavailable, rows), wholes(line.credit_nanos, rows)];
    const found: StoredMinute[] = [];
    for (let i = 0; i < rows; i += 1) {
      found.push({
        minuteMs: Number(at(minute, i)) * MINUTE_MS,
        partsMs: parts.map((part) => at(part, i)),
        unavailable: at(unavailable, i),
        creditNanos: BigInt(at(credit, i)),
      });
    }
    return inOrder(found, ({ minuteMs }) => minuteMs);
  });
}

export function readTraffic(text: string): Columns<StoredTraffic> {
  return read(text, trafficLine, (line) => {
    const { nic, rows } = line;
    const minute = grown(String(line.first_minute), line.minute, rows);
    const [rx, tx] = [wholes(line.rx_bytes, rows), wholes(line.tx_bytes, rows)];
    const found: StoredTraffic[] = [];
    for (let i = 0; i < rows; i += 1) {
      const minuteMs = Number(at(minute, i)) * MINUTE_MS;
      found.push({ nic, minuteMs, rxBytes: BigInt(at(rx, i)), txBytes: BigInt(at(tx, i)) });
    }
    return inOrder(found, ({ minuteMs }) => minuteMs);
  });
}

function read<Line extends z.infer<typeof lineOf>, Row>(
  text: string,
  shape: z.ZodType<Line>,
  rowsOf: (line: Line) => Row[],
): Columns<Row> {
  const byVm = new Map<string, Row[]>();
  let told = 0;
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const parsed = shape.safeParse(parseExact(line));
    if (!parsed.success) throw new VerifyError(`columns are not answered as expected: ${z.prettifyError(parsed.error)}`);
    told += parsed.data.rows;
    const rows = rowsOf(parsed.data);
    const before = byVm.get(parsed.data.vm);
    if (before === undefined) byVm.set(parsed.data.vm, rows);
    else for (const row of rows) before.push(row);
  }
  return { told, byVm };
}

/** Throws where a column is shorter than it says. */
function at<T>(column: ArrayLike<T>, i: number): T {
  const value = column[i];
  if (value === undefined) throw new VerifyError('columns are not answered as expected: one is too short');
  return value;
}

/** Sums of differences, which are of 64 bits. */
function grown(first: string, differences: readonly unknown[], rows: number): Whole[] {
  let value: Whole = exactly(BigInt(first));
  const values: Whole[] = [];
  for (let i = 0; i < rows; i += 1) {
    const difference = whole(differences[i]);
    const sum: Whole = typeof value === 'number' && typeof difference === 'number' ? value + difference : Number.NaN;
    // the sum of two integers below 2⁵³ is exact wherever it is below 2⁵³
    value = Number.isSafeInteger(sum) && sum >= 0 ? sum : exactly(BigInt.asUintN(64, BigInt(value) + BigInt(difference)));
    values.push(value);
  }
  return values;
}

/** A column of any integers. */
function wholes(column: readonly unknown[], rows: number): Whole[] {
  const values = column.map(whole);
  return values.length === 1 ? Array.from({ length: rows }, () => at(values, 0)) : values;
}

/** A column of integers that are small. */
function small(column: readonly unknown[], rows: number): number[] {
  const values = column.map(Number);
  if (!values.every(Number.isSafeInteger)) throw new VerifyError('columns are not answered as expected: no integer');
  return values.length === 1 ? Array.from({ length: rows }, () => at(values, 0)) : values;
}

function whole(value: unknown): Whole {
  if (Number.isSafeInteger(value)) return value as number;
  if (typeof value === 'string' && /^-?\d+$/.test(value)) return exactly(BigInt(value));
  throw new VerifyError(`columns are not answered as expected: ${JSON.stringify(value)} is no integer`);
}

function exactly(value: bigint): Whole {
  const near = Number(value);
  return Number.isSafeInteger(near) ? near : value;
}

/** By what they are told to be in the order of; they come so, or are sorted. */
function inOrder<T>(rows: T[] | readonly T[], by: (row: T) => number): T[] {
  const isSorted = rows.every((row, i) => i === 0 || by(at(rows, i - 1)) <= by(row));
  return isSorted ? (rows as T[]) : [...rows].sort((a, b) => by(a) - by(b));
}
