/**
 * The one door to ClickHouse. Two constructors stand behind it: the engine inside this process (`embedded-engine.ts`) and a
 * server (`server.ts`); everything that reads or writes rows knows only this interface.
 */
export interface Store {
  /** DDL or INSERT … SELECT; resolves when it has been carried out. It may be carried out twice: twice must be as good as once. */
  command(sql: string, params?: Record<string, unknown>): Promise<void>;
  /** Rows of a SELECT as objects; 64-bit and wider integers come as decimal strings. `{name:Type}` binds a parameter. */
  rows<T>(sql: string, params?: Record<string, unknown>): Promise<T[]>;
  /** The SELECT's answer as the bytes of JSONEachRow text. */
  ndjson(sql: string, params?: Record<string, unknown>): Promise<Uint8Array>;
  /**
   * Inserts rows given as RowBinary. `structure` is `"a String, b UInt64"` in the order of the bytes. No chunks, no
   * insert. A repeated `deduplicationToken` drops the same insert again where it can; rows must be such that a repeat does no harm.
   */
  insertRowBinary(table: string, structure: string, chunks: readonly Uint8Array[], deduplicationToken?: string): Promise<void>;
  /**
   * Inserts the rows, all or none, unless some were inserted under this token before, or `condition` (SQL over the table as it is)
   * does not hold. Of any number of processes that claim one token at once one's rows stay. The answer does not say whose: read them back.
   */
  claim(table: string, structure: string, chunks: readonly Uint8Array[], claim: NumberClaim): Promise<void>;
  /** Only of an engine in this process, which reads files. */
  readonly files?: RowBinaryFiles;
  close(): Promise<void>;
}

/** Inserts that another thread has written to a file: their bytes need not pass through this one. */
export interface RowBinaryFiles {
  /** Where files are written: under a name of `scratchName()`, so that those of a process that was killed are found and removed. */
  readonly directory: string;
  /** As `insertRowBinary`, with the rows in a file, which stays. */
  insert(table: string, structure: string, path: string, deduplicationToken?: string): Promise<void>;
}

/** Under which an insert takes place once only, whoever else makes it. */
export interface NumberClaim {
  readonly token: string;
  readonly condition: string;
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
