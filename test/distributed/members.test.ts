import { afterEach, expect, inject, it } from 'vitest';
import { Client, LOAD_ENV } from '../crash/load.ts';
import { emptyClickHouse } from '../support/empty-clickhouse.ts';
import { type Roles, startRoles, untilReady } from '../support/roles.ts';
import { type StatusJson, untilStatus } from '../support/server.ts';

const SESSION_MS = 3_000;
let roles: Roles;

interface PartitionJson {
  readonly partition: number;
  readonly messages: { readonly appended: number; readonly stored: number; readonly lag: number };
  readonly state: string;
  readonly instance: string;
}

const partitionsOf = (status: StatusJson): readonly PartitionJson[] =>
  (status as StatusJson & { partitions: PartitionJson[] }).partitions;

/** Until every partition has stored something that was appended after the status given. */
function untilMoved(what: string, from: StatusJson): Promise<StatusJson> {
  return untilStatus(roles.front, what, (status) =>
    partitionsOf(status).every(({ messages }, i) => messages.stored > (partitionsOf(from)[i]?.messages.appended ?? 0)),
  );
}

async function untilClock(client: Client): Promise<void> {
  const clockMs = Math.max(...client.loads.map((load) => load.sentUntilMs));
  await untilStatus(
    roles.front,
    'the clock to reach every partition',
    ({ watermark }) => watermark !== null && Date.parse(watermark) >= clockMs - 120_000,
  );
}

afterEach(async () => {
  await roles.end('SIGKILL');
});

it('aggregators come, go, are killed and sleep past their session, and no row is the worse for it', async () => {
  await emptyClickHouse(inject('clickhouseUrl'));
  roles = await startRoles({
    brokers: inject('kafkaBrokers'),
    clickhouseUrl: inject('clickhouseUrl'),
    partitions: 4,
    aggregate: 1,
    env: { ...LOAD_ENV, UPTALLY_KAFKA_SESSION_TIMEOUT_MS: String(SESSION_MS) },
  });
  await Promise.all([...roles.ingest, ...roles.aggregate, ...roles.api].map((server) => untilReady(server)));
  const client = new Client();
  await client.makeKeys(roles.front);
  const first = client.newLoad(901, 6);
  expect(await client.send(roles.front, first)).toBe(true);

  // a second one joins under load: the partitions are shared
  const steady = client.newSteadyLoad('s', 60);
  const sending = client.send(roles.front, steady);
  const second = await roles.start('aggregate');
  await untilReady(second);
  await sending;
  const [one] = roles.aggregate;
  if (one === undefined) throw new Error('the first aggregator is gone');

  // the first is killed: the other takes all, from the states that the first has saved
  await one.end('SIGKILL');
  // Asked after the kill: what lies behind these heads can only have been stored by one that lives.
  const after = await untilMoved('the second to take over', await roles.front.status());
  expect(new Set(partitionsOf(after).map(({ instance }) => instance)).size).toBe(1);

  // the second sleeps past its session, a third takes over, the second wakes up and goes on with what it held
  const third = await roles.start('aggregate');
  await untilReady(third);
  process.kill(second.pid, 'SIGSTOP');
  const random = client.newLoad(902, 4);
  const more = client.send(roles.front, random);
  await untilMoved('the third to take over', await roles.front.status());
  process.kill(second.pid, 'SIGCONT');
  await more;
  await untilReady(second);

  // leaving on request: the state is saved and nobody waits for a session to end
  expect(await third.end('SIGTERM')).toMatchObject({ code: 0 });
  expect(await client.send(roles.front, client.newLoad(903, 4))).toBe(true);
  await untilClock(client);
  expect(await client.faults(roles.front)).toEqual([]);
});
