/**
 * The verdict on one sample, read straight from SPEC §1. The order of the checks is part of the contract: when several
 * things are wrong, the first named here is reported.
 */
import { CAUSES } from '../../src/domain/condition.ts';
import type { Sample } from '../../src/verify/model/inforce.ts';
import { instantMs } from './instant.ts';
import { fieldsOf, literalOf, parseTagged, stringOf, type Tagged } from './taggedjson.ts';

export type RejectionCode =
  | 'malformed_json'
  | 'missing_field'
  | 'bad_vm'
  | 'bad_nic'
  | 'bad_ts'
  | 'ts_in_future'
  | 'ts_too_old'
  | 'bad_counter'
  | 'bad_epoch'
  | 'bad_state'
  | 'bad_cause'
  | 'vm_not_allowed'
  | 'bad_started_at'
  | 'bad_link'
  | 'bad_sum'
  | 'bad_hold'
  | 'bad_host';

/** `field` is the JSON key concerned, empty for malformed_json. */
export interface Rejection {
  readonly ok: false;
  readonly code: RejectionCode;
  readonly field: string;
}
export type Verdict = { readonly ok: true; readonly sample: Sample } | Rejection;

export interface JudgeContext {
  readonly nowMs: number;
  /** null: no limit on age (but never before the Unix epoch). */
  readonly retentionMs: number | null;
  /** Whether the key that posts may post for this VM; left out: for every VM. */
  readonly allowed?: (vm: string) => boolean;
}

export const FUTURE_MAX_MS = 300_000;
const COUNTER_MAX = 2n ** 64n - 1n;
const EPOCH_MAX = 2n ** 32n - 1n;
const LINK_MBPS_MAX = 1_000_000n;
const HOLD_S_MAX = 3_600n;

/** The verdict on the text of one sample: a line of NDJSON, or a whole JSON body. */
export function judge(text: string | Uint8Array, ctx: JudgeContext): Verdict {
  const value = parseTagged(text);
  return value === undefined ? MALFORMED : judgeValue(value, ctx);
}

/** The verdicts of an NDJSON body, one a line, after a byte order mark if there is one; lines of nothing but JSON whitespace are skipped and take no index. */
export function judgeNdjson(bytes: Uint8Array, ctx: JudgeContext): Verdict[] {
  return linesOf(withoutMark(bytes))
    .filter((line) => line.some((byte) => !JSON_WHITESPACE.includes(byte)))
    .map((line) => judge(line, ctx));
}

/**
 * The verdicts of an `application/json` body: one sample, or an array of them. A body that is no JSON, or neither an
 * object nor an array, is one malformed_json; so is each element that is no object.
 */
export function judgeJsonArray(bytes: Uint8Array, ctx: JudgeContext): Verdict[] {
  const value = parseTagged(withoutMark(bytes));
  if (value === undefined) return [MALFORMED];
  return Array.isArray(value) ? value.map((element: Tagged) => judgeValue(element, ctx)) : [judgeValue(value, ctx)];
}

const JSON_WHITESPACE = [0x20, 0x09, 0x0a, 0x0d];
const MALFORMED: Rejection = { ok: false, code: 'malformed_json', field: '' };

function judgeValue(value: Tagged, ctx: JudgeContext): Verdict {
  const fields = fieldsOf(value);
  if (fields === undefined) return MALFORMED;
  /** null counts as absent. */
  const field = (key: string): Tagged => fields.get(key) ?? null;

  if (field('vm') === null) return reject('missing_field', 'vm');
  const vm = stringOf(field('vm'));
  if (vm === undefined || !/^(?!\.{1,2}$)[A-Za-z0-9._:-]{1,64}$/.test(vm)) return reject('bad_vm', 'vm');

  if (field('ts') === null) return reject('missing_field', 'ts');
  const ts = instantOf(field('ts'));
  if (ts === undefined) return reject('bad_ts', 'ts');
  if (ts > BigInt(ctx.nowMs + FUTURE_MAX_MS)) return reject('ts_in_future', 'ts');
  if (ts < 0n) return reject('ts_too_old', 'ts');
  if (ctx.retentionMs !== null && ts < BigInt(ctx.nowMs - ctx.retentionMs)) return reject('ts_too_old', 'ts');

  const nic = field('nic') === null ? '' : stringOf(field('nic'));
  if (nic === undefined || !/^[A-Za-z0-9._:-]{0,32}$/.test(nic)) return reject('bad_nic', 'nic');

  const host = field('host') === null ? '' : stringOf(field('host'));
  if (host === undefined || !/^[A-Za-z0-9._:-]{0,64}$/.test(host)) return reject('bad_host', 'host');

  const rx = field('rx_bytes') === null ? null : counterOf(field('rx_bytes'));
  if (rx === undefined) return reject('bad_counter', 'rx_bytes');
  const tx = field('tx_bytes') === null ? null : counterOf(field('tx_bytes'));
  if (tx === undefined) return reject('bad_counter', 'tx_bytes');

  const epoch = field('epoch') === null ? 0n : digitsOf(literalOf(field('epoch')), EPOCH_MAX);
  if (epoch === undefined) return reject('bad_epoch', 'epoch');

  const startedAt = field('started_at') === null ? null : instantOf(field('started_at'));
  if (startedAt === undefined || (startedAt !== null && (startedAt < 0n || startedAt >= ts)))
    return reject('bad_started_at', 'started_at');

  const state = field('state') === null ? 'up' : stringOf(field('state'));
  if (state !== 'up' && state !== 'down' && state !== 'none') return reject('bad_state', 'state');
  if (state === 'none' && rx === null && tx === null) return reject('missing_field', 'rx_bytes');

  const down = CAUSES.find((cause) => cause === (field('cause') === null ? 'provider' : stringOf(field('cause'))));
  if (down === undefined || (state !== 'down' && field('cause') !== null)) return reject('bad_cause', 'cause');

  const hold = field('hold_s') === null ? null : digitsOf(literalOf(field('hold_s')), HOLD_S_MAX);
  if (hold === undefined || hold === 0n) return reject('bad_hold', 'hold_s');
  const link = field('link_mbps') === null ? null : digitsOf(literalOf(field('link_mbps')), LINK_MBPS_MAX);
  if (link === undefined || link === 0n) return reject('bad_link', 'link_mbps');
  const sum = field('sum') ?? false;
  if (typeof sum !== 'boolean') return reject('bad_sum', 'sum');

  if (ctx.allowed?.(vm) === false) return reject('vm_not_allowed', 'vm');
  const counters = rx === null && tx === null ? null : { rx: rx ?? 0n, tx: tx ?? 0n };
  const part = counters === null || (rx !== null && tx !== null) ? undefined : rx === null ? 'tx' : 'rx';
  return {
    ok: true,
    sample: {
      ...{ vm, nic, tsMs: Number(ts), counters, epoch: Number(epoch), condition: state === 'down' ? down : 'up' },
      ...(host === '' ? {} : { host }),
      ...(part === undefined ? {} : { part }),
      ...(state === 'none' ? { saysNoState: true } : {}),
      ...(hold === null ? {} : { holdMs: 1000 * Number(hold) }),
      ...(startedAt === null ? {} : { startedAtMs: Number(startedAt) }),
      ...(link === null ? {} : { linkMbps: Number(link) }),
      ...(sum ? { isSum: true } : {}),
    },
  };
}

function reject(code: RejectionCode, field: string): Rejection {
  return { ok: false, code, field };
}

/** A number is milliseconds; a string is RFC 3339 and nothing else (a string of digits is no instant). */
function instantOf(value: Tagged): bigint | undefined {
  const text = stringOf(value);
  if (text === undefined) return digitsOf(literalOf(value));
  const ms = instantMs(text);
  return ms === undefined ? undefined : BigInt(ms);
}

/** A counter is the same digits as a number or as a string. */
function counterOf(value: Tagged): bigint | undefined {
  return digitsOf(stringOf(value) ?? literalOf(value), COUNTER_MAX);
}

/** The integer of digits without sign, fraction, exponent or leading zero, if it is at most `max`. */
function digitsOf(digits: string | undefined, max?: bigint): bigint | undefined {
  if (digits === undefined || !/^(0|[1-9][0-9]*)$/.test(digits)) return undefined;
  const value = BigInt(digits);
  return max !== undefined && value > max ? undefined : value;
}

/** The body without the byte order mark of UTF-8 that some tools put before it. */
function withoutMark(bytes: Uint8Array): Uint8Array {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? bytes.subarray(3) : bytes;
}

function linesOf(bytes: Uint8Array): Uint8Array[] {
  const lines: Uint8Array[] = [];
  let start = 0;
  for (let at = 0; at <= bytes.length; at += 1) {
    if (at < bytes.length && bytes[at] !== 0x0a) continue;
    lines.push(bytes.subarray(start, at));
    start = at + 1;
  }
  return lines;
}
