import { type ClickHouseClient, type ClickHouseClientConfigOptions, ClickHouseLogLevel, createClient } from '@clickhouse/client';
import { mkdir, open, rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import { closeBeforeEnd } from '../process/ending.ts';
import type { Faults } from '../process/faults.ts';
import { clientStatements, type Run } from './statements.ts';
import { storeErrorOf } from './errors.ts';
import { type Outage, Retrier } from './retry.ts';
import { bytesIn, insertSelect, literal } from './rowbinary.ts';
import { removeScratch, scratchPath } from './scratch.ts';
import { DATABASE, type Store, StoreError } from './store.ts';

export interface EmbeddedOptions {
  readonly path: string;
  /** takes the files that inserts travel through */
  readonly scratchDir: string;
  readonly faults?: Faults | undefined;
  /** Told when an insert of the aggregator has to wait (merges lag, memory is short, the disk is full), and when it went through. */
  readonly onOutage?: ((outage: Outage | undefined) => void) | undefined;
}

const BACKOFF_MS = 100;
const BACKOFF_MS_MAX = 10_000;
/** The longest that a timer takes: an insert that the engine works on is not given up, or it would be carried out beside the next try. */
const NO_DEADLINE_MS = 2 ** 31 - 1;

/**
 * Opens ClickHouse inside this process. Only for the main thread (a worker thread that ends takes the engine, and so the
 * process, with it), and one `path` a process.
 * Throws StoreError `chdb_missing` where the optional dependency was left out.
 */
export async function openEmbeddedStore(options: EmbeddedOptions): Promise<Store> {
  const { createChdbConnection, drainPending } = await loadChdb();
  const scratchDir = resolve(options.scratchDir);
  await mkdir(options.path, { recursive: true });
  await mkdir(scratchDir, { recursive: true });
  await removeScratch(scratchDir);

  const retrier = new Retrier({
    attemptMs: NO_DEADLINE_MS,
    attemptMsMax: NO_DEADLINE_MS,
    backoffMs: BACKOFF_MS,
    backoffMsMax: BACKOFF_MS_MAX,
    now: Date.now,
    random: Math.random,
    onOutage: options.onOutage,
  });
  let client: ClickHouseClient | undefined;
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => (closing ??= closeEngine());
  const closed = closeBeforeEnd(close);
  async function closeEngine(): Promise<void> {
    retrier.close();
    await client?.close();
    // Work the engine still holds would otherwise run into the end of the process.
    await drainPending();
    closed();
  }
  try {
    client = createClient({
      connection: createChdbConnection({ path: resolve(options.path) }),
      // Errors are thrown; whoever catches them knows where to log.
      log: { level: ClickHouseLogLevel.OFF },
    });
    // An embedded session has no `database` option and keeps what it is SET, so these hold for everything that follows.
    await client.command({ query: `CREATE DATABASE IF NOT EXISTS ${DATABASE}` });
    await client.command({ query: `USE ${DATABASE}` });
    await client.command({ query: 'SET output_format_json_quote_64bit_integers = 1' });
  } catch (error) {
    await close();
    throw storeErrorOf(error, 'the embedded ClickHouse did not open');
  }

  const taking = async (table: string, insert: () => Promise<void>): Promise<void> => {
    try {
      await insert();
    } catch (error) {
      throw storeErrorOf(error, `ClickHouse did not take an insert into ${table}`);
    }
  };
  const insertFile = async (
    table: string,
    structure: string,
    path: string,
    token?: string,
    condition?: string,
  ): Promise<void> => {
    const source = `file(${literal(path)}, 'RowBinary', ${literal(structure)})`;
    const query = insertSelect(table, structure, source, token, condition === undefined ? {} : { condition });
    const carryOut = async (): Promise<unknown> => client.command({ query });
    if (options.faults === undefined || table !== 'catalog') await carryOut();
    else await watched(carryOut, options.faults);
  };
  const insert = (table: string, structure: string, chunks: readonly Uint8Array[], token?: string, condition?: string) =>
    taking(table, async () => {
      // The client decodes insert bodies as UTF-8, which would break binary bytes; a file does not pass through it.
      const path = scratchPath(scratchDir);
      try {
        await writeChunks(path, chunks);
        await insertFile(table, structure, path, token, condition);
      } finally {
        await rm(path, { force: true });
      }
    });
  return {
    ...clientStatements(client, once),
    async insertRowBinary(table, structure, chunks, deduplicationToken) {
      if (bytesIn(chunks) > 0) await insert(table, structure, chunks, deduplicationToken);
    },
    claim(table, structure, chunks, { token, condition }) {
      return insert(table, structure, chunks, token, condition);
    },
    files: {
      directory: scratchDir,
      // the file stays until this is done, and the log keeps what comes meanwhile
      insert: (table, structure, path, token) =>
        retrier.run(`ClickHouse did not take an insert into ${table}`, () =>
          taking(table, () => insertFile(table, structure, path, token)),
        ),
    },
    close,
  };
}

/** An insert that a test may cut off: before the engine has it, at any turn of the event loop while it works, and after. */
async function watched(insert: () => Promise<unknown>, faults: Faults): Promise<void> {
  faults.at('before-catalog-insert');
  const running = insert();
  const state = { atWork: true };
  const done = (): void => {
    state.atWork = false;
  };
  running.then(done, done);
  while (state.atWork) {
    faults.at('during-catalog-insert');
    await new Promise(setImmediate);
  }
  await running;
  faults.at('after-catalog-insert');
}

/** An engine in this process is there or the process is not: what somebody waits for is not tried again. */
const once: Run = async (what, attempt) => {
  try {
    return await attempt(new AbortController().signal);
  } catch (error) {
    throw storeErrorOf(error, what);
  }
};

/** What we use of chdb, spelt out so that a build without the optional package has its types all the same. */
interface Chdb {
  createChdbConnection: (options: { path: string }) => NonNullable<ClickHouseClientConfigOptions['connection']>;
  drainPending: () => Promise<unknown>;
}

async function loadChdb(): Promise<Chdb> {
  // Not literals, or the compiler would want the package.
  const names = ['chdb/connection', 'chdb'];
  try {
    const [connection, root] = (await Promise.all(names.map((name) => import(name)))) as [Chdb, Chdb];
    return { createChdbConnection: connection.createChdbConnection, drainPending: root.drainPending };
  } catch (error) {
    throw new StoreError(
      'chdb_missing',
      'the embedded ClickHouse is not installed: run "npm install chdb", or set UPTALLY_CLICKHOUSE_URL to a ClickHouse server',
      false,
      error,
    );
  }
}

async function writeChunks(path: string, chunks: readonly Uint8Array[]): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    for (const chunk of chunks) await file.writeFile(chunk);
  } finally {
    await file.close();
  }
}
