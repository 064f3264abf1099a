/**
 * Kills at random moments, starts included, and ends by SIGTERM under load. UPTALLY_TEST_KILLS=200 kills more often,
 * UPTALLY_TEST_SEED=7 at other moments.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { randomOf } from '../support/random.ts';
import { type TestServer, startServer, untilStored } from '../support/server.ts';
import { Client, LOAD_ENV } from './load.ts';

const KILLS = Number(process.env['UPTALLY_TEST_KILLS'] ?? 12);
const SEED = Number(process.env['UPTALLY_TEST_SEED'] ?? 1);
const FLEETS = 8;
/** The longest a server lives under load. */
const LIFE_MS = 1500;

let dir: string;
let server: TestServer;
let client: Client;
const start = async (): Promise<void> => {
  server = await startServer({ dir, env: LOAD_ENV });
};

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'uptally-crash-'));
  client = new Client();
  await start();
  await client.makeKeys(server);
});
afterEach(async () => {
  await server.end('SIGKILL');
  await rm(dir, { recursive: true, force: true });
});

/** Sends loads until the signal, which comes at some moment of them, has ended the server. */
async function sendUntil(signal: NodeJS.Signals, afterMs: number, nextSeed: () => number): Promise<void> {
  const moment = { passed: false };
  const signalled = new Promise<void>((resolve) => {
    setTimeout(() => {
      moment.passed = true;
      process.kill(server.pid, signal);
      resolve();
    }, afterMs);
  });
  for (;;) {
    const open = client.loads.find((load) => load.waves.length > 0) ?? client.newLoad(nextSeed(), FLEETS);
    const whole = await client.send(server, open);
    if (!whole || moment.passed) break;
  }
  await signalled;
}

async function finish(): Promise<void> {
  for (const load of client.loads) expect(await client.send(server, load)).toBe(true);
}

describe('under load', () => {
  it(
    `${KILLS} kills at random moments lose nothing and count nothing twice`,
    async () => {
      const random = randomOf(SEED);
      let seed = SEED * 1000;
      for (let i = 0; i < KILLS; i++) {
        await sendUntil('SIGKILL', random() * LIFE_MS, () => ++seed);
        expect(await server.exited).toEqual({ code: null, signal: 'SIGKILL' });
        await start();
      }
      await finish();
      expect(await client.faults(server)).toEqual([]);
    },
    120_000 + KILLS * 30_000,
  );

  it('SIGTERM finishes what was begun: nothing answered is lost, it ends with 0, and the next start has little to do', async () => {
    let seed = SEED * 2000;
    for (const afterMs of [50, 700, 1200]) {
      await sendUntil('SIGTERM', afterMs, () => ++seed);
      expect(await server.exited).toEqual({ code: 0, signal: null });
      await start();
      // what is aggregated before anything new is sent came from the checkpoint: everything in the log but a few marks
      const { log } = await server.status();
      expect(log.aggregated).toBe(log.appended);
      expect(log.appended).toBeGreaterThanOrEqual(client.answered);
    }
    await finish();
    await untilStored(server);
    expect(await client.faults(server)).toEqual([]);
  });
});
