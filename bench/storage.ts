/**
 * `npm run bench storage -- DATA_DIR`: what a stopped server's data takes on disk, by table and column, once merged; and what the columns
 * would take with other codecs, as copies of the same rows under the same key.
 */
import { openEmbeddedStore } from '../src/store/embedded-engine.ts';
import type { Store } from '../src/store/store.ts';

const STRINGS = ['ZSTD(1)', 'ZSTD(3)', 'LowCardinality(String) CODEC(ZSTD(1))', 'LowCardinality(String) CODEC(ZSTD(3))'];
/** Counters as agents read them. */
const COUNTERS = [
  'Delta, ZSTD(1)',
  'Delta, ZSTD(3)',
  'DoubleDelta, ZSTD(1)',
  'T64, ZSTD(1)',
  'Gorilla, ZSTD(1)',
  'Delta, T64, ZSTD(1)',
  "Delta, T64('bit'), ZSTD(1)",
  'DoubleDelta',
];
/** Bytes of a minute. */
const SUMS = [
  'T64, ZSTD(1)',
  'T64, ZSTD(3)',
  'ZSTD(1)',
  'ZSTD(3)',
  'Delta, ZSTD(1)',
  'Delta, T64, ZSTD(1)',
  "T64('bit'), ZSTD(1)",
  'Gorilla, ZSTD(1)',
];

/** Columns to try, and what to try on them (in place of the table's own). */
const ALTERNATIVES: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  samples: {
    vm: STRINGS,
    nic: STRINGS,
    agent: STRINGS,
    ts: [
      'Delta, ZSTD(1)',
      'DoubleDelta, ZSTD(1)',
      'Delta, ZSTD(3)',
      'DoubleDelta, ZSTD(3)',
      'T64, ZSTD(1)',
      'DoubleDelta',
      'GCD, Delta, ZSTD(1)',
    ],
    pos: ['Delta, ZSTD(1)', 'DoubleDelta, ZSTD(1)', 'Delta, ZSTD(3)', 'T64, ZSTD(1)', "T64('bit'), ZSTD(3)", 'ZSTD(3)'],
    rx_bytes: COUNTERS,
    tx_bytes: COUNTERS,
  },
  uptime: {
    vm: STRINGS,
    credit_nanos: ['ZSTD(1)', 'ZSTD(3)', 'T64, ZSTD(1)'],
    minute: ['Delta, ZSTD(1)', 'DoubleDelta, ZSTD(1)', 'DoubleDelta, ZSTD(3)', 'DoubleDelta, LZ4'],
    version: ['Delta, ZSTD(1)', 'DoubleDelta, ZSTD(1)', 'Delta, ZSTD(3)', 'T64, ZSTD(1)', 'ZSTD(1)', 'ZSTD(3)'],
    up_ms: ['ZSTD(1)', 'ZSTD(3)', 'T64, ZSTD(1)'],
  },
  traffic: {
    vm: STRINGS,
    minute: ['Delta, ZSTD(1)', 'DoubleDelta, ZSTD(1)', 'DoubleDelta, ZSTD(3)'],
    rx_bytes: SUMS,
    tx_bytes: SUMS,
    version: ['Delta, ZSTD(1)', 'DoubleDelta, ZSTD(1)', 'Delta, ZSTD(3)', 'T64, ZSTD(1)', 'ZSTD(1)', 'ZSTD(3)'],
  },
};

interface ColumnSize {
  readonly name: string;
  readonly type: string;
  readonly codec: string;
  readonly bytes: string;
}

async function sizes(store: Store, table: string): Promise<{ rows: number; disk: number; columns: ColumnSize[] }> {
  const [part] = await store.rows<{ n: string; b: string }>(
    'SELECT sum(rows) AS n, sum(bytes_on_disk) AS b FROM system.parts WHERE active AND database = currentDatabase() AND table = {t:String}',
    { t: table },
  );
  const columns = await store.rows<ColumnSize>(
    `SELECT name, type, compression_codec AS codec, data_compressed_bytes AS bytes FROM system.columns
     WHERE database = currentDatabase() AND table = {t:String} ORDER BY position`,
    { t: table },
  );
  return { rows: Number(part?.n ?? 0), disk: Number(part?.b ?? 0), columns };
}

const each = (bytes: number, rows: number): string => (bytes / rows).toFixed(3);

/** Prints the sizes as Markdown. The tables are merged for it; the server must be stopped. */
export async function storageBench(dir: string, write: (line: string) => void): Promise<void> {
  const store = await openEmbeddedStore({ path: `${dir}/clickhouse`, scratchDir: `${dir}/scratch` });
  try {
    // or it would not even try Gorilla on integers
    await store.command('SET allow_suspicious_codecs = 1');
    for (const [table, tried] of Object.entries(ALTERNATIVES)) {
      await store.command(`OPTIMIZE TABLE ${table} FINAL`);
      const { rows, disk, columns } = await sizes(store, table);
      write(
        `\n### ${table}: ${rows} rows, ${each(disk, rows)} bytes a row on disk\n\n| column | codec | bytes a row |\n|---|---|---|`,
      );
      for (const { name, codec, bytes } of columns) write(`| ${name} | ${codec} | ${each(Number(bytes), rows)} |`);
      const key = table === 'samples' ? 'vm, nic, ts, pos' : table === 'uptime' ? 'vm, minute' : 'vm, nic, minute';
      for (const [column, codecs] of Object.entries(tried)) {
        const type = columns.find(({ name }) => name === column)?.type ?? 'UInt64';
        const copies = codecs
          .map((codec, i) => `c${i} ${codec.includes('CODEC') ? codec : `${type} CODEC(${codec})`}`)
          .join(', ');
        await store.command(
          `CREATE OR REPLACE TABLE codec_trial (${copies}) ENGINE = MergeTree ORDER BY tuple() SETTINGS min_bytes_for_wide_part = 0`,
        );
        await store.command(
          `INSERT INTO codec_trial SELECT ${codecs.map(() => column).join(', ')} FROM ${table} ORDER BY ${key} SETTINGS max_insert_threads = 1`,
        );
        await store.command('OPTIMIZE TABLE codec_trial FINAL');
        const trial = await sizes(store, 'codec_trial');
        write(`\n| ${table}.${column} | bytes a row |\n|---|---|`);
        trial.columns.forEach(({ bytes }, i) => {
          write(`| ${codecs[i] ?? ''} | ${each(Number(bytes), trial.rows)} |`);
        });
      }
      await store.command('DROP TABLE IF EXISTS codec_trial');
    }
  } finally {
    await store.close();
  }
}
