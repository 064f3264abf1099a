/**
 * SIGKILL at every named point, under load, on one data folder: each server dies at its point, the next one finishes the load, must have
 * everything exactly once, and is then made to die at the next point.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FAULT_POINTS, type FaultPoint } from '../../src/process/faults.ts';
import { type TestServer, startServer, within } from '../support/server.ts';
import { Client, LOAD_ENV } from './load.ts';

/** How often a point is passed before it is the last time: once where not said otherwise. */
const TIMES: Partial<Record<FaultPoint, number>> = {
  'before-append': 9,
  'after-append': 8,
  'before-flush': 7,
  'during-flush': 6,
  'after-flush': 5,
  'before-answer': 4,
  'after-answer': 3,
  'before-aggregate': 2,
  'after-aggregate': 2,
  'before-checkpoint': 2,
};
const FLEETS = 4;
/** Loads after the first that a point is looked for in. */
const LOADS_MORE = 4;

let dir: string;
let server: TestServer;
let startedFor: FaultPoint | undefined;
const client = new Client();

/** Starts the server that will die at a point, once the file beside its data says so. */
async function startFor(point: FaultPoint | undefined): Promise<void> {
  const crash = point === undefined ? {} : { UPTALLY_TEST_CRASH: `${point}:${TIMES[point] ?? 1}:${sign(point)}` };
  startedFor = point;
  server = await startServer({ dir: join(dir, 'data'), env: { ...LOAD_ENV, ...crash } });
}
const sign = (point: FaultPoint): string => join(dir, point);

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'uptally-crash-'));
  await startFor(FAULT_POINTS[0]);
  await client.makeKeys(server);
});
afterAll(async () => {
  await server.end('SIGKILL');
  await rm(dir, { recursive: true, force: true });
});

describe('killed at a point under load, a server has everything answered exactly once', () => {
  it.each(FAULT_POINTS.map((point, index) => ({ point, index })))('$point', async ({ point, index }) => {
    // when the points before were left out
    if (startedFor !== point) {
      await server.end('SIGTERM');
      await startFor(point);
    }
    const first = client.newLoad(index + 1, FLEETS);
    const loads = [first];
    await writeFile(sign(point), '');
    let lived = await client.send(server, first);
    // Which samples are late, and so which rows are written live, is the clients' race: what one load does not reach another does. A point that none
    // reaches is no point: then the server lives, and this fails.
    for (let more = 1; lived && more <= LOADS_MORE; more += 1) {
      const load = client.newLoad(100 * more + index + 1, FLEETS);
      loads.push(load);
      lived = await client.send(server, load);
    }
    expect(lived ? await server.end('SIGTERM') : await within('its death', server.exited)).toEqual({
      code: null,
      signal: 'SIGKILL',
    });

    await startFor(FAULT_POINTS[index + 1]);
    for (const load of loads) expect(await client.send(server, load)).toBe(true);
    expect(await client.faults(server, loads)).toEqual([]);
  });

  it('and everything of all of them at the end, in another process', async () => {
    expect(await server.end('SIGTERM')).toEqual({ code: 0, signal: null });
    await startFor(undefined);
    expect(await client.faults(server)).toEqual([]);
  });
});
