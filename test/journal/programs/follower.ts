/**
 * Writes entries if there are none, follows the journal and ends when it has all of it: `FOLDER TOLD ENTRIES`. TOLD gets a line for every entry delivered, on disk
 * before it is acknowledged. UPTALLY_TEST_CRASH says where it is stopped.
 */
import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { follow } from '../../support/follow.ts';
import { Journal } from '../../../src/journal/journal.ts';
import { faultsOf } from '../../../src/process/faults.ts';
import { openEmbeddedStore } from '../../../src/store/embedded-engine.ts';
import { migrate } from '../../../src/store/migrations.ts';

const [folder = '', told = '', entries = '0'] = process.argv.slice(2);

const store = await openEmbeddedStore({
  path: join(folder, 'clickhouse'),
  scratchDir: join(folder, 'scratch'),
  onOutage: () => undefined,
});
await migrate(store, { nowMs: 0 });
const journal = new Journal({ store, now: Date.now, randomBytes });
await journal.refresh();
if (journal.lastSeq === 0n) {
  const drafts = Array.from({ length: Number(entries) }, (_, i) => ({ kind: 'note', id: `n${i % 7}`, body: `{"i":${i}}` }));
  await journal.write('test', () => drafts);
}
const file = openSync(told, 'a');
const { reached, close } = await follow(journal, {
  name: 'f',
  pageEntries: 5n,
  keepWithinMs: 0,
  faults: faultsOf(process.env, () => process.kill(process.pid, 'SIGKILL')),
  deliver: (page) => {
    for (const { seq } of page) writeSync(file, `${seq}\n`);
    fsyncSync(file);
    return Promise.resolve();
  },
});
await reached(journal.lastSeq);
await close();
closeSync(file);
await store.close();
