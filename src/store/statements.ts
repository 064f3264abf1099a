import type { ClickHouseClient } from '@clickhouse/client';
import type { Store } from './store.ts';

/** Carries a call out, once or as often as it takes; what it throws is a StoreError that begins with `what`. */
export type Run = <T>(what: string, attempt: (signal: AbortSignal) => Promise<T>) => Promise<T>;

/** The part of a Store that is the same for a server and for the embedded engine: statements and answers. */
export function clientStatements(client: ClickHouseClient, run: Run): Pick<Store, 'command' | 'rows' | 'ndjson'> {
  const query = <T>(sql: string, params: Record<string, unknown> | undefined, read: (text: string) => T): Promise<T> =>
    run('ClickHouse did not answer a query', async (signal) => {
      const answer = await client.query({
        query: sql,
        format: 'JSONEachRow',
        abort_signal: signal,
        ...(params === undefined ? {} : { query_params: params }),
      });
      // The client hears of the signal until the answer begins; from then on it is the answer that has to end.
      const close = (): void => {
        answer.close();
      };
      signal.addEventListener('abort', close, { once: true });
      try {
        // Within the attempt: an answer that was cut is asked for again.
        return read(await answer.text());
      } finally {
        signal.removeEventListener('abort', close);
      }
    });
  return {
    async command(sql, params) {
      await run('ClickHouse did not carry out a statement', (signal) =>
        client.command({ query: sql, abort_signal: signal, ...(params === undefined ? {} : { query_params: params }) }),
      );
    },
    rows<T>(sql: string, params?: Record<string, unknown>) {
      return query(sql, params, rowsOf<T>);
    },
    ndjson(sql, params) {
      return query(sql, params, (text) => Buffer.from(text, 'utf8'));
    },
  };
}

/** The rows of JSONEachRow text. */
export function rowsOf<T>(text: string): T[] {
  return text === '' ? [] : (JSON.parse(`[${text.trimEnd().replaceAll('\n', ',')}]`) as T[]);
}
