/** Random fleets with migrations, told by two replicas to two doors before Kafka: the rows are those of one process. */
import { afterEach, expect, inject, it } from 'vitest';
import { emptyClickHouse } from '../support/empty-clickhouse.ts';
import { type Roles, startRoles, untilReady } from '../support/roles.ts';
import { postAsSamples, postAsScraped, scrapedFleet } from '../support/scraped-fleet.ts';
import { newFolder, readServed, type ServedFolder, untilStored } from '../support/server.ts';

let roles: Roles | undefined;
let folder: ServedFolder | undefined;
afterEach(async () => {
  await roles?.end('SIGKILL');
  await folder?.remove();
});

it('have the same rows, re-cut, in any order and some of it twice', async () => {
  const env = { UPTALLY_CLOCK: 'event', UPTALLY_RETENTION_DAYS: '0' };
  await emptyClickHouse(inject('clickhouseUrl'));
  roles = await startRoles({
    ...{ brokers: inject('kafkaBrokers'), clickhouseUrl: inject('clickhouseUrl') },
    ...{ partitions: 3, ingest: 2, aggregate: 1, env },
  });
  await Promise.all([...roles.ingest, ...roles.aggregate, ...roles.api].map((server) => untilReady(server)));
  folder = await newFolder('scraped');
  const plain = await folder.start(env);
  const fleet = scrapedFleet(3, 8);
  await postAsSamples(plain, fleet);
  await postAsScraped({ front: roles.front, doors: roles.ingest }, fleet, 4);
  await untilStored(plain);
  await untilStored(roles.front);
  expect(await readServed(roles.front, fleet.vms)).toEqual(await readServed(plain, fleet.vms));
});
