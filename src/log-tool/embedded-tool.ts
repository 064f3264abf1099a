/**
 * The way past an embedded log that was lost, is another's or of another time, and past a record of it that can't be read: what an operator
 * decides while the server is stopped, on record for ever. A record is let pass only if nobody can read it, a range only if the log does not
 * have it, and another log begins above everything that is stored, so that versions of rows never go back.
 */
import { existsSync } from 'node:fs';
import { whyNotOwn } from '../aggregate/embedded/own-log.ts';
import type { CheckpointFolder } from '../aggregate/checkpoint.ts';
import { highestStoredSeq, readStoredProgress, type StoredProgress, writeStoredProgress } from '../aggregate/stored-progress.ts';
import type { Faults } from '../process/faults.ts';
import { COUNTER_WORDS, COUNTERS } from '../kernel/layout.ts';
import { type Damage, damageAt } from '../log/damage.ts';
import { type EmbeddedReader, openEmbeddedReader, openEmbeddedWriter } from '../log/embedded-log.ts';
import { afterGaps } from '../log/gaps.ts';
import { newLogId, NOT_ADOPTED } from '../log/identity.ts';
import { openReadTable } from '../log/lmdb.ts';
import { LogError } from '../log/log.ts';
import { finishReplacing, makeNewLog } from '../log/replace.ts';
import { type LogGap, nameLog, type NamedLog, readGaps, readNamedLog, recordGap } from '../store/named-log.ts';
import type { Store } from '../store/store.ts';
import { type Decision, LogToolError } from './decision.ts';

export interface EmbeddedToolSetup {
  readonly path: string;
  readonly checkpoints: CheckpointFolder;
  readonly store: Store;
  readonly now: () => number;
  readonly randomBytes: (size: number) => Uint8Array;
  readonly faults: Faults;
}

export interface EmbeddedLogView {
  readonly named: (NamedLog & { readonly seq: number }) | undefined;
  /** The log's file; the text says why it can't be read. */
  readonly log:
    | {
        readonly logId: string;
        readonly first: number;
        readonly head: number;
        readonly samples: bigint;
        readonly damage: Damage | null;
      }
    | string;
  readonly stored: StoredProgress | undefined;
  readonly gaps: readonly LogGap[];
  /** Why a start is refused; null when it is not. */
  readonly refused: string | null;
}

export interface EmbeddedAcceptance {
  /** What is given up, in the words that have to be typed. */
  readonly givesUp: string;
  readonly explanation: string;
  readonly confirm: (decision: Decision) => Promise<void>;
}

const SCAN_BYTES = 4 * 1024 * 1024;
const SCAN_RECORDS = 4096;

/** The embedded half of `uptally log`. The server must be stopped. */
export function embeddedLogTool(setup: EmbeddedToolSetup) {
  return {
    show: () => view(setup),

    /** Lets the records pass that can't be read, from this one on to the next that can. */
    async planSkip(record: number): Promise<EmbeddedAcceptance> {
      const { log, named } = await view(setup);
      if (typeof log === 'string') throw new LogToolError(`${log}: see uptally log accept`);
      const { damage } = log;
      if (damage?.from !== record)
        throw new LogToolError(
          damage === null
            ? 'every record of the log can be read: none is let pass'
            : `the first record that can't be read is ${damage.from}`,
        );
      const { from, until, samples } = damage;
      return {
        givesUp: range(from, until),
        explanation: `${range(from, until)} of log ${log.logId} can't be read, with ${many(samples)}`,
        confirm: async (decision) => {
          await recordGap(setup.store, gapOf(named?.logId ?? log.logId, 'record', damage, decision, setup.now()));
          setup.faults.at('after-gap');
        },
      };
    },

    /** What it would mean to go on with what is there. */
    async planAccept(): Promise<EmbeddedAcceptance> {
      const found = await view(setup);
      if (found.refused === null)
        throw new LogToolError('the log is the one that the rows come from: there is nothing to accept');
      if (found.named !== undefined && found.named.kind !== 'embedded')
        throw new LogToolError(`the database's log is topic ${found.named.name}: see UPTALLY_LOG`);
      return (await planHole(setup, found)) ?? planNewLog(setup, found);
    },
  };
}

async function view(setup: EmbeddedToolSetup): Promise<EmbeddedLogView> {
  const { store, path, checkpoints } = setup;
  const named = await readNamedLog(store);
  if (named !== undefined) await finishReplacing(path, named.logId, setup.faults);
  const [stored, gaps] = [await readStoredProgress(store, 0, named?.logId), await readGaps(store)];
  const unreadable = { named, stored, gaps };
  if (!existsSync(path)) {
    const isNew = named === undefined && (await highestStoredSeq(store)) < 0;
    return { ...unreadable, log: `there is no file ${path}`, refused: isNew ? null : `there is no file ${path}` };
  }
  let reader: EmbeddedReader | undefined;
  try {
    // a file that is no log is told when it is opened for writing
    const writer = openEmbeddedWriter({ path, onFatal: () => undefined });
    reader = openEmbeddedReader(path);
    reader.passOver(gaps.filter((gap) => gap.logId === named?.logId).map(({ from, until }) => ({ from, until: until ?? from })));
    const head = reader.headSeq();
    const log = { logId: writer.logId, first: reader.firstSeq ?? head, head, samples: reader.samplesAppended(), damage: null };
    const refused = await whyNotOwn({ store, reader, checkpoints, gaps });
    const from = afterGaps(gaps, 0, Math.max(log.first, (stored?.seq ?? -1) + 1));
    const damage = from <= head ? await damageIn(reader, path, from) : null;
    await writer.close();
    return { ...unreadable, log: { ...log, damage }, refused: refused ?? null };
  } catch (error) {
    if (!(error instanceof LogError)) throw error;
    return { ...unreadable, log: error.message, refused: error.message };
  } finally {
    reader?.close();
  }
}

async function damageIn(reader: EmbeddedReader, path: string, from: number): Promise<Damage | null> {
  let seq = from;
  try {
    for (let last = reader.read(seq, SCAN_BYTES, SCAN_RECORDS).at(-1); last !== undefined;) {
      seq = last.seq + 1;
      last = reader.read(seq, SCAN_BYTES, SCAN_RECORDS).at(-1);
    }
    return null;
  } catch (error) {
    if (!(error instanceof LogError) || error.code !== 'log_corrupt') throw error;
    const table = openReadTable(path);
    try {
      return damageAt(table, reader.afterSkipped(seq));
    } finally {
      await table.close();
    }
  }
}

/** The log is the database's, and has given up what is not stored there: an older copy of the database. */
async function planHole(setup: EmbeddedToolSetup, found: EmbeddedLogView): Promise<EmbeddedAcceptance | undefined> {
  const { log, named, stored, gaps } = found;
  if (typeof log === 'string' || log.logId === '') return undefined;
  if (named !== undefined ? named.logId !== log.logId : (await highestStoredSeq(setup.store)) >= 0) return undefined;
  const from = afterGaps(gaps, 0, (stored?.seq ?? -1) + 1);
  if (from >= log.first) return undefined;
  const reader = openEmbeddedReader(setup.path);
  const before = log.first === 0 ? undefined : reader.mark(log.first - 1);
  const goesOn = (await whyNotOwn({ ...setup, reader, gaps: [...gaps, { partition: 0, from, until: log.first }] })) === undefined;
  reader.close();
  if (named !== undefined && !goesOn) return undefined;
  const counted = stored === undefined ? 0n : stored.mark?.samples;
  const samples = before === undefined || counted === undefined ? null : before.samples - counted;
  const hole: Damage = { from, until: log.first, samples };
  return {
    givesUp: range(from, log.first),
    explanation: `${range(from, log.first)} of log ${log.logId} are neither stored nor in the log any more, with ${many(samples)}; all from record ${log.first} on is stored again`,
    confirm: async (decision) => {
      const { store, now, faults } = setup;
      await recordGap(store, gapOf(log.logId, 'positions', hole, decision, now()));
      faults.at('after-gap');
      if (named === undefined)
        await nameLog(store, 1, {
          ...{ logId: log.logId, kind: 'embedded', name: '', firstPosition: 0, recordedMs: now(), recordedBy: decision.who },
        });
    },
  };
}

/** The log is lost, or not the database's: a new one begins above what is stored. */
async function planNewLog(setup: EmbeddedToolSetup, found: EmbeddedLogView): Promise<EmbeddedAcceptance> {
  const { store, path, now, randomBytes, faults } = setup;
  const { named, stored, gaps, log } = found;
  const base = Math.max(stored?.reach ?? -1, await highestStoredSeq(store)) + 1;
  const counters = await countersUpTo(store, stored, base);
  const lost = named?.logId ?? 'of before there were ids';
  const aside =
    typeof log === 'string' && !existsSync(path) ? '' : `; the file that is there now is kept beside it, and read by nobody`;
  return {
    givesUp: `everything after record ${base - 1}`,
    explanation: `a new log begins at record ${base}; what log ${lost} held after record ${base - 1} is given up, with an unknown number of answered samples${aside}`,
    confirm: async (decision) => {
      const at = now();
      const logId = newLogId(randomBytes);
      const known = gaps.reduce((sum, { samples }) => sum + (samples ?? 0n), counters[COUNTERS.accepted] ?? 0n);
      const mark = await makeNewLog(path, base, known, { logId, createdMs: at, adoptedFrom: NOT_ADOPTED });
      faults.at('after-log-made');
      await recordGap(store, {
        ...{ logId: named?.logId ?? '', partition: 0, kind: 'log', from: base, until: null, samples: null },
        ...{ ...decision, recordedMs: at },
      });
      faults.at('after-gap');
      if (base > 0)
        await writeStoredProgress(store, {
          ...{ seq: base - 1, clock: stored?.clock ?? 0n, counters, catalogSeq: stored?.catalogSeq ?? 0n },
          ...{ logId, mark, reach: base - 1, reachCheck: mark.check },
        });
      faults.at('after-log-progress');
      const name = { logId, kind: 'embedded', name: '', firstPosition: base, recordedMs: at, recordedBy: decision.who } as const;
      const inForce = await nameLog(store, (named?.seq ?? 0) + 1, name);
      if (inForce.logId !== logId)
        throw new LogToolError('another process has named a log at the same moment: look again with uptally log show');
      faults.at('after-log-named');
      await finishReplacing(path, logId, faults);
    },
  };
}

/** The counters of the stored step, with what rows of later steps amount to that were stored before the log was lost. */
async function countersUpTo(store: Store, stored: StoredProgress | undefined, base: number): Promise<bigint[]> {
  const counters = Array.from({ length: COUNTER_WORDS }, (_, i) => stored?.counters[i] ?? 0n);
  const after = (BigInt(stored?.seq ?? -1) + 1n) << 16n;
  const [row] = await store.rows<{ n: string; distinct: string; known: string }>(
    `SELECT uniqExact(vm, nic, ts, pos) AS n, uniqExact(vm, nic, ts) AS distinct,
       (SELECT uniqExact(vm, nic, host, part, ts) FROM samples WHERE pos < ${after} AND (vm, nic, host, part, ts) IN (SELECT vm, nic, host, part, ts FROM samples WHERE pos >= ${after})) AS known
     FROM samples WHERE pos >= ${after} AND pos < ${BigInt(base) << 16n}`,
  );
  const [n, distinct, known] = [BigInt(row?.n ?? 0), BigInt(row?.distinct ?? 0), BigInt(row?.known ?? 0)];
  counters[COUNTERS.accepted] = (counters[COUNTERS.accepted] ?? 0n) + n;
  counters[COUNTERS.conflict] = (counters[COUNTERS.conflict] ?? 0n) + n - distinct + known;
  return counters;
}

function gapOf(
  logId: string,
  kind: LogGap['kind'],
  { from, until, samples }: Damage,
  decision: Decision,
  recordedMs: number,
): LogGap {
  return { logId, partition: 0, kind, from, until, samples, ...decision, recordedMs };
}

function range(from: number, until: number): string {
  return until === from + 1 ? `record ${from}` : `records ${from} to ${until - 1}`;
}

function many(samples: bigint | null): string {
  return samples === null ? 'an unknown number of answered samples' : `${samples} answered samples`;
}
