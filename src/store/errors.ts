/** What went wrong in ClickHouse or on the way to it, and whether the same call may succeed later unchanged. */
import { isFileLimit } from '../process/process-files.ts';
import { StoreError } from './store.ts';

/** ClickHouse's own errors that say "not now" rather than "never". The names are those of its `system.errors`. */
const NOT_NOW: ReadonlySet<string> = new Set([
  // too much at once
  'TIMEOUT_EXCEEDED',
  'TOO_MANY_SIMULTANEOUS_QUERIES',
  'MEMORY_LIMIT_EXCEEDED',
  'CANNOT_ALLOCATE_MEMORY',
  'TOO_MANY_PARTS',
  'NOT_ENOUGH_SPACE',
  'CANNOT_SCHEDULE_TASK',
  'RECEIVED_ERROR_TOO_MANY_REQUESTS',
  'SERVER_OVERLOADED',
  'DEADLOCK_AVOIDED',
  // a request that did not arrive whole
  'CANNOT_READ_ALL_DATA',
  'ATTEMPT_TO_READ_AFTER_EOF',
  'UNEXPECTED_END_OF_FILE',
  'CANNOT_READ_FROM_SOCKET',
  'CANNOT_WRITE_TO_SOCKET',
  'NETWORK_ERROR',
  'SOCKET_TIMEOUT',
  'POCO_EXCEPTION',
  // a server that stops
  'QUERY_WAS_CANCELLED',
  'ABORTED',
  // a cluster that has lost a part of itself for now
  'TABLE_IS_READ_ONLY',
  'KEEPER_EXCEPTION',
  'NO_ZOOKEEPER',
  'UNEXPECTED_ZOOKEEPER_ERROR',
  'TOO_FEW_LIVE_REPLICAS',
  'UNSATISFIED_QUORUM_FOR_PREVIOUS_WRITE',
  'UNKNOWN_STATUS_OF_INSERT',
  'REPLICA_IS_NOT_IN_QUORUM',
  'ALL_CONNECTION_TRIES_FAILED',
  'NO_AVAILABLE_REPLICA',
  'ALL_REPLICAS_ARE_STALE',
  'NO_FREE_CONNECTION',
  'DNS_ERROR',
]);

const NETWORK_CODES: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EAI_AGAIN',
  'ENOTFOUND',
  'ENOSPC',
]);

/** The code of a failure for want of a file to open, here or in the engine: it passes when others close theirs. */
export const NO_FILE = 'no_file_left';

/** A certificate does not become another one by asking again. */
const CERTIFICATE = /^(CERT_|ERR_TLS_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_)/;

/** Makes a StoreError of whatever the client threw; the statement is not repeated in the message (it may hold data). */
export function storeErrorOf(error: unknown, what: string): StoreError {
  if (error instanceof StoreError) return error;
  const { message, type, code } = partsOf(error);
  if (isFileLimit(error)) return new StoreError(NO_FILE, `${what}: ${message}`, true, error);
  if (type !== undefined) return new StoreError(type, `${what}: ${message}`, NOT_NOW.has(type), error);
  const retryable = (code !== undefined && NETWORK_CODES.has(code)) || /timeout|socket hang up/i.test(message);
  return new StoreError(code ?? 'store_failed', `${what}: ${message}`, retryable, error);
}

/**
 * The same over a network, where whatever ClickHouse did not say itself came from the way: a reset, a proxy's 502, an answer
 * that was cut. All of that may pass; a certificate that does not fit and a fault of this program do not.
 */
export function transportErrorOf(error: unknown, what: string): StoreError {
  const known = storeErrorOf(error, what);
  if (known.retryable || error instanceof StoreError || partsOf(error).type !== undefined) return known;
  const never = error instanceof TypeError || error instanceof RangeError || CERTIFICATE.test(known.code);
  return new StoreError(known.code, known.message, !never, error);
}

function partsOf(error: unknown): { message: string; type: string | undefined; code: string | undefined } {
  const { type, code } = (error ?? {}) as { type?: unknown; code?: unknown };
  return {
    message: (error instanceof Error ? error.message : String(error)).slice(0, 2000),
    type: typeof type === 'string' ? type : undefined,
    code: typeof code === 'string' ? code : undefined,
  };
}
