import { type ClickHouseClient, ClickHouseLogLevel, type ClickHouseSettings, createClient } from '@clickhouse/client';
import { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { clientStatements, rowsOf } from './statements.ts';
import { CLAIM_IN_CLUSTER, CLUSTER_SETTINGS } from './cluster.ts';
import { transportErrorOf } from './errors.ts';
import { isAnotherLife, Life, whileAlive } from './life.ts';
import { type Outage, Retrier } from './retry.ts';
import { bytesIn, insertSelect, literal } from './rowbinary.ts';
import { DATABASE, type Store } from './store.ts';

const ATTEMPT_MS = 60_000;
const ATTEMPT_MS_MAX = 600_000;
const BACKOFF_MS = 100;
const BACKOFF_MS_MAX = 10_000;
/** The client's own limit, which must not come before ours. */
const SOCKET_TIMEOUT_MS = 660_000;
/** Below the shortest keep-alive a ClickHouse server is shipped with (3 s), so that we never write to a socket it closes. */
const IDLE_SOCKET_TTL_MS = 2_500;
const CONNECTIONS_MAX = 16;

export interface ServerStoreOptions {
  readonly url: string;
  /** The name of the cluster whose tables are used; left out: a single server. */
  readonly cluster?: string | undefined;
  /** For how long a call is tried again while the server is away (an answer to a person can't wait); left out: as long as it takes. */
  readonly patienceMs?: number | undefined;
  /** How long one attempt may take at first (default 60 s). */
  readonly attemptMs?: number;
  /** And at most, after timeouts (default 10 minutes). */
  readonly attemptMsMax?: number;
  readonly backoffMs?: number;
  /** Told when the server goes away and comes back. */
  readonly onOutage?: (outage: Outage | undefined) => void;
  readonly now?: () => number;
  readonly random?: () => number;
}

/**
 * Opens a ClickHouse server by URL (`http://user:password@host:8123`), making Uptally's database there if it is not. Whatever may pass
 * (resets, timeouts, 5xx, a server that is restarted) is tried again; StoreError is thrown for the rest, and when patience is at an end.
 */
export async function openServerStore(options: ServerStoreOptions): Promise<Store> {
  const { cluster } = options;
  const retrier = new Retrier({
    patienceMs: options.patienceMs,
    attemptMs: options.attemptMs ?? ATTEMPT_MS,
    attemptMsMax: options.attemptMsMax ?? ATTEMPT_MS_MAX,
    backoffMs: options.backoffMs ?? BACKOFF_MS,
    backoffMsMax: BACKOFF_MS_MAX,
    now: options.now ?? Date.now,
    random: options.random ?? Math.random,
    onOutage: options.onOutage,
  });

  const onCluster = cluster === undefined ? '' : ` ON CLUSTER ${literal(cluster)}`;
  const bootstrap = connect(options.url, 'default', {});
  try {
    await retrier.run('the ClickHouse server cannot be used', (signal) =>
      bootstrap.command({ query: `CREATE DATABASE IF NOT EXISTS ${DATABASE}${onCluster}`, abort_signal: signal }),
    );
  } finally {
    await bootstrap.close();
  }

  const client = connect(options.url, DATABASE, cluster === undefined ? {} : CLUSTER_SETTINGS);
  const stream = async (query: string, chunks: readonly Uint8Array[], signal: AbortSignal): Promise<void> => {
    const { stream: answer } = await client.exec({
      query: `${query} FORMAT RowBinary`,
      values: Readable.from(chunks, { objectMode: false }),
      abort_signal: signal,
    });
    // An answer left unread keeps its socket out of the pool.
    answer.resume();
    await finished(answer, { signal });
  };
  const life = new Life(async (sql, signal) => {
    if (!sql.startsWith('SELECT')) {
      await client.command({ query: sql, abort_signal: signal });
      return [];
    }
    return rowsOf(await (await client.query({ query: sql, format: 'JSONEachRow', abort_signal: signal })).text());
  });

  /** Inserts under a token that is good for this life of the server only. */
  const insertInLife = async (
    table: string,
    structure: string,
    chunks: readonly Uint8Array[],
    token: string,
    signal: AbortSignal,
  ): Promise<void> => {
    for (;;) {
      const id = await life.id(signal);
      const own = id === undefined ? undefined : `${token}@${id}`;
      const condition = id === undefined ? {} : { condition: whileAlive(id) };
      try {
        await stream(insertSelect(table, structure, `input(${literal(structure)})`, own, condition), chunks, signal);
        return;
      } catch (error) {
        // whatever failed, the server may not be the one it was
        life.forget();
        if (id === undefined || !isAnotherLife(transportErrorOf(error, ''))) throw error;
      }
    }
  };

  return {
    ...clientStatements(client, (what, attempt) => retrier.run(what, attempt)),
    async insertRowBinary(table, structure, chunks, token) {
      if (bytesIn(chunks) === 0) return;
      await retrier.run(`ClickHouse did not take an insert into ${table}`, (signal) =>
        token === undefined || cluster !== undefined
          ? stream(insertSelect(table, structure, `input(${literal(structure)})`, token), chunks, signal)
          : insertInLife(table, structure, chunks, token, signal),
      );
    },
    async claim(table, structure, chunks, { token, condition }) {
      const settings = cluster === undefined ? [] : CLAIM_IN_CLUSTER;
      const query = insertSelect(table, structure, `input(${literal(structure)})`, token, { condition, settings });
      await retrier.run(`ClickHouse did not take an insert into ${table}`, (signal) => stream(query, chunks, signal));
    },
    async close() {
      retrier.close();
      await client.close();
    },
  };
}

function connect(url: string, database: string, settings: ClickHouseSettings): ClickHouseClient {
  return createClient({
    url,
    database,
    application: 'uptally',
    // Errors are thrown; whoever catches them knows where to log.
    log: { level: ClickHouseLogLevel.OFF },
    request_timeout: SOCKET_TIMEOUT_MS,
    max_open_connections: CONNECTIONS_MAX,
    keep_alive: { enabled: true, idle_socket_ttl: IDLE_SOCKET_TTL_MS },
    clickhouse_settings: {
      output_format_json_quote_64bit_integers: 1,
      // An answer that comes before the work is done would be a lie.
      wait_end_of_query: 1,
      async_insert: 0,
      ...settings,
    },
  });
}
