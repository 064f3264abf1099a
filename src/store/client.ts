import type { ClickHouseClient } from '@clickhouse/client';
import { type Store, storeErrorOf } from './store.ts';

/** The part of a Store that is the same for a server and for the embedded engine: statements and answers. */
export function clientStatements(client: ClickHouseClient): Pick<Store, 'command' | 'rows' | 'ndjson'> {
  const query = async (sql: string, params: Record<string, unknown> | undefined): Promise<string> => {
    try {
      const answer = await client.query({
        query: sql,
        format: 'JSONEachRow',
        ...(params === undefined ? {} : { query_params: params }),
      });
      return await answer.text();
    } catch (error) {
      throw storeErrorOf(error, 'ClickHouse did not answer a query');
    }
  };
  return {
    async command(sql, params) {
      try {
        await client.command({ query: sql, ...(params === undefined ? {} : { query_params: params }) });
      } catch (error) {
        throw storeErrorOf(error, 'ClickHouse did not carry out a statement');
      }
    },
    async rows<T>(sql: string, params?: Record<string, unknown>) {
      const text = await query(sql, params);
      return text === '' ? [] : (JSON.parse(`[${text.trimEnd().replaceAll('\n', ',')}]`) as T[]);
    },
    async ndjson(sql, params) {
      return Buffer.from(await query(sql, params), 'utf8');
    },
  };
}
