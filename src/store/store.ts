/**
 * The one door to ClickHouse. Two constructors stand behind it: the engine inside this process (`embedded.ts`) and a
 * server (`server.ts`); everything that reads or writes rows knows only this interface.
 */
export interface Store {
  /** DDL or INSERT … SELECT; resolves when it has been carried out. */
  command(sql: string, params?: Record<string, unknown>): Promise<void>;
  /** Rows of a SELECT as objects; 64-bit and wider integers come as decimal strings. `{name:Type}` binds a parameter. */
  rows<T>(sql: string, params?: Record<string, unknown>): Promise<T[]>;
  /** The SELECT's answer as the bytes of JSONEachRow text. */
  ndjson(sql: string, params?: Record<string, unknown>): Promise<Uint8Array>;
  /**
   * Inserts rows given as RowBinary. `structure` is `"a String, b UInt64"` in the order of the bytes. No chunks, no
   * insert. A repeated `deduplicationToken` makes the same insert again harmless.
   */
  insertRowBinary(table: string, structure: string, chunks: readonly Uint8Array[], deduplicationToken?: string): Promise<void>;
  close(): Promise<void>;
}

/** Where Uptally's tables live, in the embedded engine as on a server. */
export const DATABASE = 'uptally';

/** An operating error of the store; `retryable` says whether the same call may succeed later unchanged. */
export class StoreError extends Error {
  readonly code: string;
  readonly retryable: boolean;

  constructor(code: string, message: string, retryable: boolean, cause?: unknown) {
    super(message, { cause });
    this.name = 'StoreError';
    this.code = code;
    this.retryable = retryable;
  }
}

/** ClickHouse errors that say "not now" rather than "never". */
const BUSY_TYPES: ReadonlySet<string> = new Set([
  'TIMEOUT_EXCEEDED',
  'TOO_MANY_SIMULTANEOUS_QUERIES',
  'MEMORY_LIMIT_EXCEEDED',
  'TOO_MANY_PARTS',
  'NETWORK_ERROR',
  'SOCKET_TIMEOUT',
  'NOT_ENOUGH_SPACE',
  'TABLE_IS_READ_ONLY',
]);

const NETWORK_CODES: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EAI_AGAIN',
  'ENOTFOUND',
  'ENOSPC',
]);

/** Makes a StoreError of whatever the client threw; the statement is not repeated in the message (it may hold data). */
export function storeErrorOf(error: unknown, what: string): StoreError {
  if (error instanceof StoreError) return error;
  const message = error instanceof Error ? error.message : String(error);
  const { type, code } = (error ?? {}) as { type?: unknown; code?: unknown };
  if (typeof type === 'string') return new StoreError(type, `${what}: ${message}`, BUSY_TYPES.has(type), error);
  const network = typeof code === 'string' && NETWORK_CODES.has(code);
  const retryable = network || /timeout|socket hang up/i.test(message);
  return new StoreError(typeof code === 'string' ? code : 'store_failed', `${what}: ${message}`, retryable, error);
}
