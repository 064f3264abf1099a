/** A receiver of the list serves its senders before a Kafka log as it does in one process (test/ingest/receivers/). */
import { afterAll, beforeAll, inject, it } from 'vitest';
import { Deployment } from '../support/kafka-deployment.ts';
import { expectCsvReceived, expectCsvStored, withCsvReceiver } from '../support/receivers.ts';

let deployment: Deployment;

beforeAll(() => {
  deployment = new Deployment(inject('kafkaBrokers'));
});
afterAll(() => deployment.remove());

it('a receiver that translates has its posts judged and stored as any others, and says all that it says in its own words', async () => {
  const server = await deployment.start(withCsvReceiver(await deployment.dir()));
  await expectCsvReceived(server);
  await expectCsvStored(server);
});
