/** Room for names with Kafka: no partition stands still for names that somebody posts, whoever posts them, through whichever door. */
import { afterEach, beforeEach, expect, inject, it } from 'vitest';
import { emptyClickHouse } from '../support/empty-clickhouse.ts';
import { type Roles, startRoles, untilReady } from '../support/roles.ts';
import { ADMIN_KEY, agentKey, postLines, sendJson, type TestServer, untilStatus, untilStored } from '../support/server.ts';

const PARTITIONS = 2;
const ROOM = 40;
const SHARE = 4;
let roles: Roles;

beforeEach(async () => {
  await emptyClickHouse(inject('clickhouseUrl'));
  roles = await startRoles({
    brokers: inject('kafkaBrokers'),
    clickhouseUrl: inject('clickhouseUrl'),
    partitions: PARTITIONS,
    ingest: 2,
    aggregate: 1,
    env: { UPTALLY_MAX_VMS: String(ROOM), UPTALLY_MAX_VMS_PER_KEY: String(SHARE) },
  });
  await Promise.all([...roles.ingest, ...roles.aggregate, ...roles.api].map((server) => untilReady(server)));
});
afterEach(() => roles.end('SIGKILL'));

interface Answered {
  readonly status: number;
  readonly code: string | undefined;
  readonly detail: string | undefined;
}

async function post(door: TestServer, key: string, vms: readonly string[]): Promise<Answered> {
  const ts = Date.now() - 1_000;
  const answer = await postLines(
    door,
    key,
    vms.map((vm) => JSON.stringify({ vm, ts, nic: 'e', rx_bytes: 0, tx_bytes: 0 })),
  );
  const { code, detail } = answer.json() as { code?: string; detail?: string };
  return { status: answer.status, code, detail };
}

/** Posts until it is taken or refused for good: what has not been taken in yet takes a moment. */
async function settled(door: TestServer, key: string, vms: readonly string[]): Promise<Answered> {
  for (;;) {
    const answered = await post(door, key, vms);
    if (answered.code !== 'store_unavailable') return answered;
  }
}

const named = (prefix: string, n: number): string[] => Array.from({ length: n }, (_, i) => `${prefix}-${i}`);

function doors(): [TestServer, TestServer] {
  const [first, second] = roles.ingest;
  if (first === undefined || second === undefined) throw new Error('there are two doors');
  return [first, second];
}

/** Resolves when no partition waits for somebody, and everything is stored. */
async function allGoOn(): Promise<number> {
  const status = await untilStored(roles.front);
  const states = (status as unknown as { partitions: { state: string }[] }).partitions.map(({ state }) => state);
  expect(states).toEqual(Array.from({ length: PARTITIONS }, () => 'running'));
  return status.vms;
}

it('one key that names VM after VM through two doors at once halts nothing: it has its share, others find room, who is known goes on', async () => {
  const [first, second] = doors();
  const { key: flooding } = await agentKey(roles.front, 'flooding');
  const { key: good } = await agentKey(roles.front, 'good');
  expect((await settled(first, good, named('good', 4))).status).toBe(202);
  await untilStored(roles.front);
  const floods = await Promise.all(
    [first, second].flatMap((door, d) =>
      Array.from({ length: 40 }, async (_, i) => ({
        vms: named(`flood-${d}-${i}`, 5),
        ...(await post(door, flooding, named(`flood-${d}-${i}`, 5))),
      })),
    ),
  );
  expect(floods.some(({ code }) => code === 'capacity_full')).toBe(true);
  const vms = await allGoOn();
  const letIn = floods.filter(({ status }) => status === 202);
  expect(vms).toBe(4 + 5 * letIn.length);
  // doors see each other a second late: in the half that is open to all they may let in some more than its places
  expect(vms).toBeLessThanOrEqual(PARTITIONS * (ROOM - SHARE));

  // what is known goes in through both, also what the other has let in, and others have their share
  for (const door of doors()) {
    expect((await settled(door, good, named('good', 4))).status).toBe(202);
    for (const each of letIn.slice(0, 3)) expect((await settled(door, flooding, each.vms)).status).toBe(202);
  }
  expect((await settled(second, good, named('more', 2))).status).toBe(202);
  const refused = await settled(first, flooding, named('beyond', 60));
  expect(refused).toMatchObject({ status: 503, code: 'capacity_full', detail: expect.stringMatching(/partition \d/) as unknown });
  expect(await allGoOn()).toBe(vms + 2);
});

it('a door that is started anew knows what is stored and what keys have brought', async () => {
  const [first] = doors();
  const { key } = await agentKey(roles.front, 'agent');
  let letIn: string[] = [];
  for (let i = 0; ; i++) {
    const vms = named(`vm-${i}`, 1);
    const { status } = await settled(first, key, vms);
    if (status !== 202) break;
    letIn = [...letIn, ...vms];
  }
  const vms = await allGoOn();
  expect(vms).toBe(letIn.length);
  const another = await roles.start('ingest');
  await untilReady(another);
  expect((await settled(another, key, letIn)).status).toBe(202);
  expect(await settled(another, key, named('beyond', 2 * SHARE + 2))).toMatchObject({ code: 'capacity_full' });
  // keys of role admin have no share, and catalog VMs a place
  expect((await settled(another, ADMIN_KEY, named('admin', 2))).status).toBe(202);
  expect(await allGoOn()).toBe(vms + 2);
});

it('while the aggregators are away known VMs go on, new ones that would not surely fit wait; a forgetting makes room', async () => {
  const [first] = doors();
  const { key } = await agentKey(roles.front, 'agent');
  expect((await settled(first, ADMIN_KEY, named('lab', 30))).status).toBe(202);
  await allGoOn();
  const [aggregator] = roles.aggregate;
  await aggregator?.end('SIGKILL');
  expect((await settled(first, key, named('lab', 30))).status).toBe(202);
  for (let i = 0; ; i++) {
    const { status, code } = await post(first, ADMIN_KEY, named(`away-${i}`, 4));
    if (status === 202) continue;
    expect(code).toMatch(/^(capacity_full|store_unavailable)$/);
    break;
  }
  expect((await settled(first, key, named('lab', 30))).status).toBe(202);
  await untilReady(await roles.start('aggregate'));
  const before = await allGoOn();
  expect(before).toBeLessThanOrEqual(PARTITIONS * ROOM);
  const forgotten = await sendJson(roles.front, 'POST', '/v1/names/forget', { vms: named('lab', 30) });
  expect(forgotten).toBeDefined();
  await untilStatus(roles.front, 'the names to be forgotten', (status) => status.vms === before - 30);
  expect((await settled(first, key, named('anew', SHARE))).status).toBe(202);
  expect(await allGoOn()).toBe(before - 30 + SHARE);
});
