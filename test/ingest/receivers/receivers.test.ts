/** A receiver is added to one list, and its senders are served wherever samples are taken (with Kafka: test/distributed/receivers.test.ts). */
import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { RECEIVERS } from '../../../src/ingest/receivers/receivers.ts';
import { expectCsvReceived, expectCsvStored, withCsvReceiver } from '../../support/receivers.ts';
import { newFolder, type ServedFolder } from '../../support/server.ts';

let folder: ServedFolder | undefined;
afterEach(async () => {
  await folder?.remove();
  folder = undefined;
});

describe.each([
  ['the server of one process', 0],
  ['ingest workers', 1],
])('a receiver that translates, taken by %s', (_, workers) => {
  it('has its posts judged and stored as any others, and says all that it says in its own words', async () => {
    folder = await newFolder('receivers');
    const server = await folder.start({
      ...{ UPTALLY_CLOCK: 'event', UPTALLY_RETENTION_DAYS: '0', UPTALLY_INGEST_WORKERS: String(workers) },
      ...withCsvReceiver(folder.dir),
    });
    const answeredBy = await expectCsvReceived(server);
    if (workers === 0) expect(answeredBy).toBe(server.pid);
    else expect(childrenOf(server.pid)).toContain(answeredBy);
    await expectCsvStored(server);
  });
});

it('every receiver has a name and paths of its own', () => {
  const names = RECEIVERS.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  const paths = RECEIVERS.flatMap(({ routes, besides = [] }) =>
    [...routes, ...besides].map(({ method, path }) => `${method} ${path}`),
  );
  expect(new Set(paths).size).toBe(paths.length);
});

function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
}
