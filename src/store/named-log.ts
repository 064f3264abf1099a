/**
 * What the database says of the log that its rows come from: the table `log_identity`, whose highest seq counts, and `log_gaps`, what is
 * missing between what was answered and what is stored because an operator let it pass.
 */
import { createHash } from 'node:crypto';
import { type Store, StoreError } from './store.ts';

export interface NamedLog {
  readonly logId: string;
  readonly kind: 'embedded' | 'kafka';
  /** The topic; '' for the embedded log. */
  readonly name: string;
  /** Where its positions begin. */
  readonly firstPosition: number;
  readonly recordedMs: number;
  /** Who accepted it; '' for the first, which nobody had to. */
  readonly recordedBy: string;
}

export interface LogGap {
  readonly logId: string;
  readonly partition: number;
  /** 'log': what a log held that was lost. 'record', 'message': one that could not be read. 'positions': a range that was given up before it was stored. */
  readonly kind: 'log' | 'record' | 'message' | 'positions';
  /** The first position that is missing, and the first after it; null: it is not known how far it went. */
  readonly from: number;
  readonly until: number | null;
  /** Answered samples given up; null: it is not known how many. */
  readonly samples: bigint | null;
  readonly why: string;
  readonly who: string;
  readonly recordedMs: number;
}

const IDENTITY =
  "seq UInt64, log_id String, kind String, name String, first_position UInt64, recorded_at DateTime64(3, 'UTC'), recorded_by String";
const GAPS =
  "gap_id String, log_id String, partition_id UInt32, kind String, from_position UInt64, until_position UInt64, samples Int64, why String, who String, recorded_at DateTime64(3, 'UTC')";
const UNKNOWN_POSITION = 2n ** 64n - 1n;
/** Tokens that may be lost to crashes of the server, one after another, before we say that something is wrong. */
const TOKENS_MAX = 5;

interface IdentityRow {
  readonly seq: string;
  readonly log_id: string;
  readonly kind: NamedLog['kind'];
  readonly name: string;
  readonly first_position: string;
  readonly at: string;
  readonly recorded_by: string;
}

/** The log that the database names, with its number among all that it has named; undefined when it names none yet. */
export function readNamedLog(store: Store): Promise<(NamedLog & { readonly seq: number }) | undefined> {
  return readLast(store, '1');
}

/** The one that it named before the `seq`-th. */
export function readLogBefore(store: Store, seq: number): Promise<(NamedLog & { readonly seq: number }) | undefined> {
  return readLast(store, `seq < ${seq}`);
}

async function readLast(store: Store, where: string): Promise<(NamedLog & { readonly seq: number }) | undefined> {
  const rows = await store.rows<IdentityRow>(
    `SELECT seq, log_id, kind, name, first_position, toUnixTimestamp64Milli(recorded_at) AS at, recorded_by
     FROM log_identity WHERE ${where} ORDER BY seq DESC, log_id LIMIT 1`,
  );
  const [row] = rows;
  if (row === undefined) return undefined;
  return {
    seq: Number(row.seq),
    logId: row.log_id,
    kind: row.kind,
    name: row.name,
    firstPosition: Number(row.first_position),
    recordedMs: Number(row.at),
    recordedBy: row.recorded_by,
  };
}

/** Every log that the database has named. */
export async function readLogIds(store: Store): Promise<string[]> {
  return (await store.rows<{ log_id: string }>('SELECT DISTINCT log_id FROM log_identity')).map((row) => row.log_id);
}

/**
 * Names the database's log, as the `seq`-th. Of any number of processes that do so at once one's name stays; the answer is the name that is
 * in force, which may be another's. The same name may be said twice.
 */
export async function nameLog(store: Store, seq: number, log: NamedLog): Promise<NamedLog> {
  const row = Buffer.concat([
    u64(seq),
    text(log.logId),
    text(log.kind),
    text(log.name),
    u64(log.firstPosition),
    u64(log.recordedMs),
    text(log.recordedBy),
  ]);
  for (let life = 0; life < TOKENS_MAX; life++) {
    await store.claim('log_identity', IDENTITY, [row], {
      token: `log-identity-${seq}-${life}`,
      condition: `(SELECT max(seq) FROM log_identity) < ${seq}`,
    });
    const named = await readNamedLog(store);
    // The server may have noted the token and been killed before it kept the row: then the next token counts.
    if (named !== undefined && named.seq >= seq) return named;
  }
  throw new StoreError('claim_lost', 'ClickHouse does not keep the name of the log', true);
}

/**
 * Records a gap durably, unless it is on record: what an operator decides once more, since it was interrupted, is the decision of before. The samples of a
 * gap are counted as given up, so twice would be once too often.
 */
export async function recordGap(store: Store, gap: LogGap): Promise<void> {
  if ((await readGaps(store)).some((each) => isSameGap(each, gap))) return;
  const { logId, partition, kind, from, until, samples, why, who, recordedMs } = gap;
  const id = createHash('sha256').update(JSON.stringify([logId, partition, kind, from, who, why, recordedMs]));
  const row = Buffer.concat([
    text(id.digest('hex').slice(0, 32)),
    text(logId),
    u32(partition),
    text(kind),
    u64(from),
    u64(until ?? UNKNOWN_POSITION),
    u64(samples ?? -1),
    text(why),
    text(who),
    u64(recordedMs),
  ]);
  await store.insertRowBinary('log_gaps', GAPS, [row]);
}

function isSameGap(a: LogGap, b: LogGap): boolean {
  return a.logId === b.logId && a.partition === b.partition && a.kind === b.kind && a.from === b.from && a.until === b.until;
}

interface GapRow {
  readonly log_id: string;
  readonly partition_id: number;
  readonly kind: LogGap['kind'];
  readonly from_position: string;
  readonly until_position: string;
  readonly samples: string;
  readonly why: string;
  readonly who: string;
  readonly at: string;
}

/** Everything that was ever let pass, in the order in which it was. */
export async function readGaps(store: Store): Promise<LogGap[]> {
  const rows = await store.rows<GapRow>(
    `SELECT DISTINCT gap_id, log_id, partition_id, kind, from_position, until_position, samples, why, who, toUnixTimestamp64Milli(recorded_at) AS at
     FROM log_gaps ORDER BY at, gap_id`,
  );
  return rows.map((row) => ({
    logId: row.log_id,
    partition: row.partition_id,
    kind: row.kind,
    from: Number(row.from_position),
    until: BigInt(row.until_position) === UNKNOWN_POSITION ? null : Number(row.until_position),
    samples: BigInt(row.samples) < 0n ? null : BigInt(row.samples),
    why: row.why,
    who: row.who,
    recordedMs: Number(row.at),
  }));
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function u64(value: number | bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt.asUintN(64, BigInt(value)));
  return bytes;
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value, 'utf8');
  const length: number[] = [];
  let rest = bytes.length;
  for (; rest > 0x7f; rest >>>= 7) length.push((rest & 0x7f) | 0x80);
  length.push(rest);
  return Buffer.concat([Buffer.from(length), bytes]);
}
