import { type ClickHouseClient, ClickHouseLogLevel, createClient } from '@clickhouse/client';
import { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { clientStatements } from './client.ts';
import { bytesIn, insertSelect, literal } from './rowbinary.ts';
import { DATABASE, type Store, storeErrorOf } from './store.ts';

const REQUEST_TIMEOUT_MS = 60_000;
/** Below the shortest keep-alive a ClickHouse server is shipped with (3 s), so that we never write to a socket it closes. */
const IDLE_SOCKET_TTL_MS = 2_500;
const CONNECTIONS_MAX = 16;

/**
 * Opens a ClickHouse server by URL (`http://user:password@host:8123`), making Uptally's database there if it is not.
 * Throws StoreError when the server cannot be reached.
 */
export async function openServerStore(options: { url: string; requestTimeoutMs?: number }): Promise<Store> {
  const requestTimeoutMs = options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS;
  const connect = (database: string): ClickHouseClient =>
    createClient({
      url: options.url,
      database,
      application: 'uptally',
      // Errors are thrown; whoever catches them knows where to log.
      log: { level: ClickHouseLogLevel.OFF },
      request_timeout: requestTimeoutMs,
      max_open_connections: CONNECTIONS_MAX,
      keep_alive: { enabled: true, idle_socket_ttl: IDLE_SOCKET_TTL_MS },
      // Inserts are retried by us under a token: an answer that comes before the work is done would be a lie.
      clickhouse_settings: { output_format_json_quote_64bit_integers: 1, wait_end_of_query: 1, async_insert: 0 },
    });

  const bootstrap = connect('default');
  try {
    await bootstrap.command({ query: `CREATE DATABASE IF NOT EXISTS ${DATABASE}` });
  } catch (error) {
    throw storeErrorOf(error, 'the ClickHouse server cannot be used');
  } finally {
    await bootstrap.close();
  }

  const client = connect(DATABASE);
  return {
    ...clientStatements(client),
    async insertRowBinary(table, structure, chunks, deduplicationToken) {
      if (bytesIn(chunks) === 0) return;
      const query = `${insertSelect(table, structure, `input(${literal(structure)})`, deduplicationToken)} FORMAT RowBinary`;
      try {
        const { stream } = await client.exec({ query, values: Readable.from(chunks, { objectMode: false }) });
        // An answer left unread keeps its socket out of the pool.
        stream.resume();
        await finished(stream);
      } catch (error) {
        throw storeErrorOf(error, `ClickHouse did not take an insert into ${table}`);
      }
    },
    async close() {
      await client.close();
    },
  };
}
