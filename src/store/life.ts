/**
 * A deduplication token is good for one life of the server. ClickHouse's plain MergeTree notes the token of an insert before it keeps the
 * rows; killed in between it has the token and not the rows, and would drop the repeat as well (tried). So a token carries the id
 * of the server's life, which a table in memory holds: after a restart the insert is written again, and its rows replace themselves.
 * Replicated tables don't need it: there token and rows are one transaction.
 */
import type { StoreError } from './store.ts';

/** A statement's answer as rows. */
export type Ask = <T>(sql: string, signal: AbortSignal) => Promise<T[]>;

export class Life {
  readonly #ask: Ask;
  #id: string | undefined;

  constructor(ask: Ask) {
    this.#ask = ask;
  }

  /** The server's life; undefined before the tables are there. Two clients may name one life differently: that costs a repeat, no more. */
  async id(signal: AbortSignal): Promise<string | undefined> {
    if (this.#id !== undefined) return this.#id;
    try {
      const read = (): Promise<{ id: string }[]> => this.#ask(`SELECT id FROM ${TABLE} ORDER BY id LIMIT 1`, signal);
      let [row] = await read();
      if (row === undefined) {
        await this.#ask(`INSERT INTO ${TABLE} SELECT generateUUIDv4() WHERE NOT EXISTS (SELECT 1 FROM ${TABLE})`, signal);
        [row] = await read();
      }
      this.#id = row?.id;
      return this.#id;
    } catch (error) {
      if ((error as { type?: unknown } | null)?.type === 'UNKNOWN_TABLE') return undefined;
      throw error;
    }
  }

  /** To be asked again: the server may have been started anew. */
  forget(): void {
    this.#id = undefined;
  }
}

const TABLE = 'server_life';

/** A condition on an insert: throws on the server, before anything is written, unless this is still its life. */
export function whileAlive(id: string): string {
  return `throwIf((SELECT count() FROM ${TABLE} WHERE id = '${id}') = 0, 'another life') = 0`;
}

/** Whether an insert was refused because the server has been started anew. */
export function isAnotherLife(error: StoreError): boolean {
  return error.code === 'FUNCTION_THROW_IF_VALUE_IS_NON_ZERO';
}
