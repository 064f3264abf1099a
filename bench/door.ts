/**
 * The door alone, as a process whose only role is ingest would be: the real server, decoder and log, and an aggregator that is never
 * behind. What aggregation and ClickHouse take on the same two cores is then out of the measurement.
 */
import { join } from 'node:path';
import { Registry } from 'prom-client';
import { makeLogger } from '../src/http/bare-server.ts';
import { buildServer } from '../src/http/server.ts';
import type { AggregatorThread } from '../src/aggregate/embedded/thread.ts';
import type { Key } from '../src/catalog/keys.ts';
import { NO_WORK } from '../src/aggregate/backlog.ts';
import { Door } from '../src/ingest/door.ts';
import { ingestPlugin } from '../src/ingest/plugin.ts';
import { openEmbeddedWriter } from '../src/log/embedded-log.ts';
import { letHeapGrow } from '../src/process/heap.ts';

letHeapGrow();
const faults = { at: (): void => undefined };
const log = openEmbeddedWriter({
  path: join(process.argv[2] ?? '.', 'door-log'),
  onFatal: (error) => {
    throw error;
  },
});
const aggregator: AggregatorThread = {
  progress: () => ({
    aggregatedSeq: log.headSeq - 1,
    storedSeq: log.headSeq - 1,
    aggregatedSamples: log.samplesAppended,
    storedSamples: log.samplesAppended,
    clockMs: 0,
    vms: 0,
    vmSlots: 0,
    nicSlots: 0,
    catalogSeq: 0n,
    counters: [],
    quarantined: 0n,
    checkpointSeq: -1,
    waiting: NO_WORK,
  }),
  halted: () => undefined,
  until: () => Promise.resolve(),
  wake: () => undefined,
  newNames: () => Promise.resolve({ vms: 0, nics: 0 }),
  stop: () => Promise.resolve(),
};
const shares = {
  broughtBy: () => ({ vms: 0, nics: 0 }),
  grant: () => Promise.resolve(),
  giveBack: () => undefined,
  beginAnew: () => undefined,
};
const door = new Door({
  log,
  aggregator,
  now: Date.now,
  retentionDays: 0,
  vmsMax: 1e9,
  nicsMax: 1e9,
  keyVmsMax: 1e9,
  shares,
  faults,
});
const key: Key = { id: 'bench', name: 'bench', role: 'admin', vms: null };
// no question is served: the frame and the door
const server = await buildServer({
  keys: { findKey: () => key, keyInForce: () => key },
  version: 'bench',
  examples: {},
  logger: makeLogger('silent'),
  registry: new Registry(),
  plugins: [ingestPlugin(door, faults)],
});
const url = await server.listen({ host: '127.0.0.1', port: 0 });
console.log(`listens on ${url}`);
process.once('SIGTERM', () => {
  void server
    .close()
    .then(() => log.close())
    .then(() => process.exit(0));
});
