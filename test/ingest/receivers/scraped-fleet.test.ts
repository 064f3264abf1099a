/** Random fleets with migrations, told by two replicas in batches that are cut anywhere (before Kafka: test/distributed/scraped-fleet.test.ts). */
import { afterEach, expect, it } from 'vitest';
import { postAsSamples, postAsScraped, scrapedFleet } from '../../support/scraped-fleet.ts';
import { newFolder, readServed, type ServedFolder, untilStored } from '../../support/server.ts';

const folders: ServedFolder[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await folder.remove();
});

it('have the rows of the samples that the heard replica told, posted in their order', async () => {
  const served = await Promise.all(
    ['0', '2'].map(async (workers) => {
      const folder = await newFolder('scraped');
      folders.push(folder);
      return folder.start({ UPTALLY_CLOCK: 'event', UPTALLY_RETENTION_DAYS: '0', UPTALLY_INGEST_WORKERS: workers });
    }),
  );
  const [plain, scraped] = served;
  if (plain === undefined || scraped === undefined) throw new Error('two servers were started');
  const fleet = scrapedFleet(1);
  await postAsSamples(plain, fleet);
  await postAsScraped({ front: scraped, doors: [scraped] }, fleet, 2);
  for (const server of served) await untilStored(server);
  const rows = await readServed(plain, fleet.vms);
  expect(JSON.stringify(rows, bigints).length).toBeGreaterThan(1000);
  expect(await readServed(scraped, fleet.vms)).toEqual(rows);
  const { samples } = await scraped.status();
  expect(samples.conflict).toBe(0);
});

const bigints = (_key: string, value: unknown): unknown => (typeof value === 'bigint' ? String(value) : value);
