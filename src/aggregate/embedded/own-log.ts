/**
 * Whether the embedded log is the one that the database's rows come from, found out before anything is answered: the log's id against the
 * name that the database has for it, and what the log says of itself at the last stored record against what was written down then. A log that
 * was lost, cut, swapped or set back, or a database that was, is refused with what was found and what to do. A log and a database that have
 * neither id nor name yet are given them, once.
 */
import { createHash } from 'node:crypto';
import { type Identity, identityOf, LogIdentityError, newLogId, NOT_ADOPTED } from '../../log/identity.ts';
import { afterGaps, type Passed } from '../../log/gaps.ts';
import { LogError, type LogReader } from '../../log/log.ts';
import { type NamedLog, nameLog, readNamedLog } from '../../store/named-log.ts';
import type { Faults } from '../../process/faults.ts';
import type { Store } from '../../store/store.ts';
import type { CheckpointFolder } from '../checkpoint.ts';
import { checkKept } from '../recovery.ts';
import { highestStoredSeq, readStoredProgress, type StoredProgress } from '../stored-progress.ts';

export interface OwnLog {
  readonly store: Store;
  /** Both of one log; the writer gives it its id. */
  readonly writer: { readonly logId: string; identify(identity: Identity): Promise<void> };
  readonly reader: LogReader;
  readonly checkpoints: CheckpointFolder;
  readonly nowMs: number;
  readonly randomBytes: (size: number) => Uint8Array;
  readonly note: (message: string) => void;
  readonly gaps: readonly Passed[];
  readonly faults?: Faults;
}

const RESTORE = 'Restore the newest backup of the log, as it is when the server is stopped';
const ACCEPT =
  '`uptally log show` says more, and `uptally log accept` begins a new log above what is stored and has what is lost on record';

/** Answers the id of the log. Throws LogIdentityError, with nothing changed, when the log is not the database's. */
export async function settleOwnLog(own: OwnLog): Promise<string> {
  const named = await readNamedLog(own.store);
  if (named === undefined) await beginOrAdopt(own);
  else checkName(own, named);
  await checkPositions(own, own.writer.logId);
  return own.writer.logId;
}

/** Why a start would be refused; undefined when it would not. Changes nothing. */
export async function whyNotOwn(own: Pick<OwnLog, 'store' | 'reader' | 'checkpoints' | 'gaps'>): Promise<string | undefined> {
  const writer = { logId: own.reader.identity?.logId ?? '', identify: () => Promise.resolve() };
  const nothing = { nowMs: 0, randomBytes: (size: number) => new Uint8Array(size), note: () => undefined };
  try {
    const named = await readNamedLog(own.store);
    if (named === undefined) await beginOrAdopt({ ...own, ...nothing, writer }, true);
    else checkName({ ...own, ...nothing, writer }, named);
    await checkPositions(own, writer.logId);
    return undefined;
  } catch (error) {
    if (error instanceof LogIdentityError) return error.message;
    throw error;
  }
}

function checkName({ writer, reader }: OwnLog, named: NamedLog): void {
  const whose = `the rows of the database come from log ${named.logId}`;
  if (named.kind !== 'embedded')
    throw new LogIdentityError('log_foreign', {
      found: 'this server has an embedded log',
      expected: `${whose}, which is topic ${named.name}`,
      advice: 'Set UPTALLY_LOG=kafka, or give this server a database of its own',
    });
  if (writer.logId === named.logId) return;
  if (writer.logId === '') {
    const isEmpty = reader.headSeq() === 0;
    throw new LogIdentityError('log_unknown', {
      found: isEmpty
        ? 'the log is empty: its file was deleted, emptied or made again'
        : 'the log is a copy of before it had an id',
      expected: `${whose}, which held more than is stored, or may have`,
      advice: `${RESTORE}; ${ACCEPT}`,
    });
  }
  throw new LogIdentityError('log_foreign', {
    found: `the log is ${writer.logId}`,
    expected: `${whose}: one of the two belongs to another deployment`,
    advice: `Put the log and the database together that belong together, or look at UPTALLY_DATA_DIR and UPTALLY_CLICKHOUSE_URL; ${ACCEPT}`,
  });
}

/** The database names no log yet. */
async function beginOrAdopt(own: OwnLog, onlyLook = false): Promise<void> {
  const { store, writer, reader, nowMs, randomBytes, note } = own;
  const progress = await readStoredProgress(store, 0);
  const highest = Math.max(progress?.reach ?? -1, await highestStoredSeq(store));
  const fingerprint = fingerprintOf(progress, highest);
  if (writer.logId === '') {
    const isNew = reader.headSeq() === 0 && highest < 0;
    if (!isNew) checkOld(own, progress, highest);
    if (onlyLook) return;
    await writer.identify({
      logId: newLogId(randomBytes),
      createdMs: nowMs,
      adoptedFrom: isNew ? NOT_ADOPTED : fingerprint,
    });
    own.faults?.at('after-log-id');
    if (!isNew) note(`the log of the version before is given the id ${writer.logId}, and the database the name of it`);
  } else if (highest >= 0) {
    // the rest of an adoption that was interrupted; any other log was never this database's
    const adopted = adoptedFrom(reader);
    if (adopted === undefined || Buffer.compare(adopted, fingerprint) !== 0)
      throw new LogIdentityError('log_foreign', {
        found: `the log is ${writer.logId}, and rows up to record ${highest} are stored`,
        expected: 'the database names no log: it is another deployment, or a copy of before this log had an id',
        advice: `Put the log and the database together that belong together; ${ACCEPT}`,
      });
  } else {
    checkKept(reader, undefined);
    if (reader.headSeq() > 1)
      note(`the database is empty: all that log ${writer.logId} holds, which is everything, is stored again`);
  }
  if (onlyLook) return;
  const name = { kind: 'embedded', name: '', firstPosition: 0, recordedBy: '' } as const;
  checkName(own, await nameLog(store, 1, { ...name, logId: writer.logId, recordedMs: nowMs }));
  own.faults?.at('after-log-named');
}

/** A log and a database of before there were ids: only their positions can say that they belong together. */
function checkOld({ reader, checkpoints }: OwnLog, progress: StoredProgress | undefined, highest: number): void {
  const head = reader.headSeq();
  const saved = checkpoints.list()[0] ?? -1;
  if (highest >= head || saved >= head)
    throw new LogIdentityError('log_behind', {
      found: head === 0 ? 'the log is empty: its file was deleted, emptied or made again' : `the log ends before record ${head}`,
      expected:
        highest >= head ? `rows up to record ${highest} are stored` : `checkpoint ${saved} was saved from what came later`,
      advice: `${RESTORE}; ${ACCEPT}`,
    });
  checkKept(reader, progress?.seq);
}

function fingerprintOf(progress: StoredProgress | undefined, highest: number): Uint8Array {
  const { seq = -1, clock = 0n, counters = [] } = progress ?? {};
  return createHash('sha256')
    .update([seq, clock, counters.join(' '), highest].join('\n'))
    .digest();
}

/** What the record that gave the log its id says of what was stored then; undefined when it is no longer kept. */
function adoptedFrom(reader: LogReader): Uint8Array | undefined {
  const at = reader.identity?.idSeq ?? 0;
  if (at < (reader.firstSeq ?? reader.headSeq())) return undefined;
  const [record] = reader.read(at, 0, 1);
  return record === undefined ? undefined : identityOf(record.payload)?.adoptedFrom;
}

/** The log must hold, as it was, what rows are stored of; and what is not stored must be in it. */
async function checkPositions(
  { store, reader, checkpoints, gaps }: Pick<OwnLog, 'store' | 'reader' | 'checkpoints' | 'gaps'>,
  logId: string,
): Promise<void> {
  const head = reader.headSeq();
  const later = checkpoints.list().find((seq) => seq >= head && checkpoints.originOf?.(seq).logId === logId);
  const progress = await readStoredProgress(store, 0, logId);
  const reach = Math.max(progress?.reach ?? -1, later ?? -1);
  if (reach >= head)
    throw new LogIdentityError('log_behind', {
      found: `log ${logId} ends before record ${head}`,
      expected: `it has held records up to ${reach} at least, ${reach === later ? 'of which a checkpoint was saved' : 'of which rows are stored'}: it was restored from an earlier time, or cut`,
      advice: `${RESTORE}; ${ACCEPT}`,
    });
  checkKept(reader, afterGaps(gaps, 0, (progress?.seq ?? -1) + 1) - 1);
  if (progress === undefined) return;
  checkMark(reader, logId, progress.seq, progress.mark?.check ?? '');
  checkMark(reader, logId, progress.reach, progress.reachCheck);
}

function checkMark(reader: LogReader, logId: string, seq: number, expected: string): void {
  const found = markAt(reader, seq);
  if (found === undefined || expected === '' || found === expected) return;
  throw new LogIdentityError('log_behind', {
    found: `log ${logId} holds another record ${seq} than the one that rows are stored of`,
    expected: 'it was restored from an earlier time and went on from there, beside the database',
    advice: `${RESTORE}; ${ACCEPT}`,
  });
}

function markAt(reader: LogReader, seq: number): string | undefined {
  try {
    return reader.mark?.(seq)?.check;
  } catch (error) {
    // damage is told when the records are read
    if (error instanceof LogError && error.code === 'log_corrupt') return undefined;
    throw error;
  }
}
