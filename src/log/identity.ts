/**
 * Which log a log is. It gets an id when it is made, in its first record; the database names the log that its rows come from, and so does
 * every checkpoint. A log that is not the one that was expected is refused: its positions say nothing about the stored rows.
 */
import { KIND_IDENTITY, LAYOUT as L } from '../kernel/layout.ts';
import { LogError } from './log.ts';

/** 128 random bits as 32 lower-case hex digits. */
export type LogId = string;

const ID_BYTES = 16;
const FINGERPRINT_BYTES = 32;
const ID_AT = L.RECORD_HEAD;
const CREATED_AT = ID_AT + ID_BYTES;
const FINGERPRINT_AT = CREATED_AT + 8;
const RECORD_BYTES = FINGERPRINT_AT + FINGERPRINT_BYTES;
const PATTERN = /^[0-9a-f]{32}$/;

/** A new id. @param randomBytes where chance comes from */
export function newLogId(randomBytes: (size: number) => Uint8Array): LogId {
  return Buffer.from(randomBytes(ID_BYTES)).toString('hex');
}

export function isLogId(text: string): boolean {
  return PATTERN.test(text);
}

/** `log_foreign`: another log. `log_behind`: this log, of another time. `log_unknown`: a log without id where one is named. */
export type LogIdentityCode = 'log_foreign' | 'log_behind' | 'log_unknown';

/** Log and database don't belong together, as the message says: another start would find the same. */
export class UnusableLogError extends Error {
  override readonly name: string = 'UnusableLogError';
}

/** Whether an error is for the operator to read, who has to do something: a place in the program would say nothing more. */
export function isUnusableLog(error: unknown): error is Error {
  return error instanceof UnusableLogError || (error instanceof LogError && FOR_OPERATORS.has(error.code));
}

const FOR_OPERATORS: ReadonlySet<string> = new Set(['log_replaced', 'log_corrupt', 'log_mismatch']);

/** The log is not what the stored rows come from: nothing may be answered from here on. */
export class LogIdentityError extends UnusableLogError {
  override readonly name = 'LogIdentityError';
  readonly code: LogIdentityCode;
  readonly found: string;
  readonly expected: string;
  readonly advice: string;

  /** Each a sentence without its full stop. */
  constructor(code: LogIdentityCode, what: { readonly found: string; readonly expected: string; readonly advice: string }) {
    super(`${what.found}; ${what.expected}. ${what.advice}.`);
    this.code = code;
    this.found = what.found;
    this.expected = what.expected;
    this.advice = what.advice;
  }
}

export interface Identity {
  readonly logId: LogId;
  readonly createdMs: number;
  /**
   * A log of the version before ids, which was given one: what its database had stored then (SHA-256), so that only that one may go on with it.
   * All zero for a log that was made with its id.
   */
  readonly adoptedFrom: Uint8Array;
}

/** The record that says which log this is; it holds no samples, and the kernel passes over it. */
export function identityRecord({ logId, createdMs, adoptedFrom }: Identity): Buffer {
  if (!isLogId(logId) || adoptedFrom.length !== FINGERPRINT_BYTES) throw new RangeError('this identifies no log');
  const record = Buffer.alloc(RECORD_BYTES);
  record[0] = KIND_IDENTITY;
  record.write(logId, ID_AT, 'hex');
  record.writeBigInt64LE(BigInt(createdMs), CREATED_AT);
  record.set(adoptedFrom, FINGERPRINT_AT);
  return record;
}

/** What such a record says; undefined for any other. */
export function identityOf(payload: Uint8Array): Identity | undefined {
  if (payload[0] !== KIND_IDENTITY || payload.length !== RECORD_BYTES) return undefined;
  const record = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
  return {
    logId: record.toString('hex', ID_AT, CREATED_AT),
    createdMs: Number(record.readBigInt64LE(CREATED_AT)),
    adoptedFrom: new Uint8Array(record.subarray(FINGERPRINT_AT)),
  };
}

export const NOT_ADOPTED = new Uint8Array(FINGERPRINT_BYTES);
