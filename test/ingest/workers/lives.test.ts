/** Ingest workers and their main process die and end under load: everything answered is there once, and nobody is left behind. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Client, type Load, LOAD_ENV } from '../../crash/load.ts';
import { newFolder, type ServedFolder, type TestServer } from '../../support/server.ts';
import { isAlive, untilWorkers, workersOf } from './support.ts';

const ENV = { ...LOAD_ENV, UPTALLY_INGEST_WORKERS: '2' };
/** Batches that are answered before something happens. */
const BEFORE = 30;

let folder: ServedFolder;
let server: TestServer;
let answered = 0;
let happens: { readonly after: number; readonly what: () => void } | undefined;
const client = new Client(() => {
  answered++;
  if (happens === undefined || answered < happens.after) return;
  const { what } = happens;
  happens = undefined;
  what();
});

/** Sends a load in the midst of which something happens to the server. */
async function sendWhile(load: Load, what: () => void): Promise<boolean> {
  happens = { after: answered + BEFORE, what };
  const whole = await client.send(server, load);
  expect(happens).toBeUndefined();
  return whole;
}

beforeAll(async () => {
  folder = await newFolder('workers');
  server = await folder.start(ENV);
  await client.makeKeys(server);
});
afterAll(() => folder.remove());

describe('two workers under load', () => {
  it('what comes over many connections is the model’s rows', async () => {
    expect(workersOf(server)).toHaveLength(2);
    expect(await client.send(server, client.newLoad(1, 2))).toBe(true);
    expect(await client.faults(server)).toEqual([]);
  });

  it('a worker that is killed is replaced, and loses nothing that it answered', async () => {
    const load = client.newSteadyLoad('killed', 30);
    const [victim = 0, other] = workersOf(server);
    await sendWhile(load, () => process.kill(victim, 'SIGKILL'));
    // those whose connections were the dead one's send the same again, to the same port
    while (!(await client.send(server, load)));
    await untilWorkers(server, 2);
    const now = workersOf(server);
    expect([now.length, now.includes(victim), now.includes(other ?? 0)]).toEqual([2, false, true]);
    expect(server.output()).toMatch(/"worker":\d,"pid":\d+,"how":"SIGKILL".*an ingest worker ended: it is replaced/);
    expect(await client.faults(server, [load])).toEqual([]);
  });

  it('both killed at once come back, and who connects in between is served', async () => {
    for (const pid of workersOf(server)) process.kill(pid, 'SIGKILL');
    const answers = await Promise.allSettled(Array.from({ length: 8 }, () => fetch(`${server.url}/livez`)));
    // a connection that a dying worker had been given is cut; none is refused
    for (const answer of answers) {
      if (answer.status === 'fulfilled') expect(answer.value.status).toBe(200);
      else expect(String((answer.reason as Error).cause)).not.toContain('ECONNREFUSED');
    }
    await untilWorkers(server, 2);
  });

  it('when the main process is killed the workers end, and the next one on the same port has everything answered', async () => {
    const load = client.newSteadyLoad('orphans', 30);
    const workers = workersOf(server);
    const { port } = server;
    expect(await sendWhile(load, () => process.kill(server.pid, 'SIGKILL'))).toBe(false);
    // its output is the workers' too: it ends when they do
    expect(await server.exited).toEqual({ code: null, signal: 'SIGKILL' });
    expect(workers.filter(isAlive)).toEqual([]);
    server = await folder.start({ ...ENV, UPTALLY_PORT: String(port) });
    expect(server.port).toBe(port);
    expect(await client.send(server, load)).toBe(true);
    expect(await client.faults(server, [load])).toEqual([]);
  });

  it('SIGTERM to all of them: the main process decides, what was answered is stored, and it ends with 0', async () => {
    const load = client.newSteadyLoad('ended', 30);
    const workers = workersOf(server);
    const whole = await sendWhile(load, () => {
      for (const pid of [...workers, server.pid]) process.kill(pid, 'SIGTERM');
    });
    expect(whole).toBe(false);
    expect(await server.exited).toEqual({ code: 0, signal: null });
    expect(workers.filter(isAlive)).toEqual([]);
    expect(server.output()).not.toMatch(/worker (ended|did not end)/);
    server = await folder.start(ENV);
    const { log } = await server.status();
    expect(log.appended).toBeGreaterThanOrEqual(client.answered);
    expect(await client.send(server, load)).toBe(true);
    expect(await client.faults(server, [load])).toEqual([]);
  });
});
