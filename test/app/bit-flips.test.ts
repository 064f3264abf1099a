/**
 * One bit of a stopped server's files is flipped: in a checkpoint, in a tick or a catalog mark of its log. The next start says so, and comes to the
 * rows of the model all the same: a state is brought back without the checkpoint, a record is read as it was written.
 */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { KIND_CATALOG, KIND_TICK } from '../../src/kernel/layout.ts';
import { openEmbeddedReader } from '../../src/log/embedded-log.ts';
import { openReadTable } from '../../src/log/lmdb.ts';
import { SEGMENT_HEADER_BYTES } from '../../src/log/segment.ts';
import { Client, LOAD_ENV } from '../crash/load.ts';
import { startServer, type TestServer } from '../support/server.ts';

const MENDED = /record \d+ of the log has a flipped bit: its checksums say which, and it is read as it was written/;
const WITHOUT = /checkpoint \d+ can't be used: .*; going on without it/;
/** States are saved at the end only: a start after a crash reads the whole log. */
const NO_CHECKPOINTS = { UPTALLY_CHECKPOINT_INTERVAL_MS: '3600000' };

/** Of the first record of a segment: behind the segment's head and its own. */
const PAYLOAD_AT = SEGMENT_HEADER_BYTES + 16;

let dir: string;
let client: Client;
const running: TestServer[] = [];

async function serve(data: string): Promise<TestServer> {
  const server = await startServer({ dir: data, env: { ...LOAD_ENV, ...NO_CHECKPOINTS } });
  running.push(server);
  return server;
}

async function copyOf(name: string): Promise<string> {
  const data = join(dir, 'case');
  await rm(data, { recursive: true, force: true });
  await cp(join(dir, name), data, { recursive: true });
  return data;
}

function flip(path: string, bit: number, ...places: number[]): void {
  const bytes = readFileSync(path);
  for (const place of places) bytes.writeUInt8(bytes.readUInt8(place) ^ (1 << bit), place);
  writeFileSync(path, bytes);
}

/** Where the last record of a kind that begins a segment stands in the log's file: once, or also in pages that nothing leads to any more. */
async function placesOf(path: string, kind: number): Promise<{ readonly places: number[]; readonly bytes: number }> {
  const table = openReadTable(path);
  const reader = openEmbeddedReader(path);
  try {
    const records = reader.read(0, 2 ** 30, 2 ** 30);
    const found = records.findLast(({ seq, payload }) => payload[0] === kind && table.segmentStart(seq) === seq);
    if (found === undefined) throw new Error(`no record of kind ${kind} begins a segment`);
    const segment = Buffer.from(table.segmentAt(found.seq) ?? []);
    const file = readFileSync(path);
    const places: number[] = [];
    for (let at = file.indexOf(segment); at >= 0; at = file.indexOf(segment, at + 1)) places.push(at + PAYLOAD_AT);
    return { places, bytes: found.payload.length };
  } finally {
    reader.close();
    await table.close();
  }
}

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'uptally-bit-flips-'));
  const server = await serve(join(dir, 'live'));
  client = new Client();
  await client.makeKeys(server);
  expect(await client.send(server, client.newLoad(601, 2))).toBe(true);
  expect(await client.faults(server)).toEqual([]);
  await server.end('SIGKILL');
  await cp(join(dir, 'live'), join(dir, 'killed'), { recursive: true });
  await (await serve(join(dir, 'live'))).end('SIGTERM');
});
afterEach(async () => {
  for (const server of running.splice(0)) await server.end('SIGKILL');
});
afterAll(async () => {
  await rm(dir, { recursive: true, force: true });
});

describe.each([
  ['a tick', KIND_TICK],
  ['a mark of the catalog', KIND_CATALOG],
] as const)('one flipped bit in %s of the log', (_, kind) => {
  it.each([
    ['its kind', () => 0, 1],
    ['its clock or number', () => 8, 0],
    ['its last byte', (bytes: number) => bytes - 1, 7],
  ] as const)('in %s is put right and told, and the rows are the model’s', async (__, at, bit) => {
    const data = await copyOf('killed');
    const { places, bytes } = await placesOf(join(data, 'log'), kind);
    expect(places).not.toEqual([]);
    flip(join(data, 'log'), bit, ...places.map((place) => place + at(bytes)));
    rmSync(join(data, 'log-lock'), { force: true });
    const server = await serve(data);
    expect(await client.faults(server)).toEqual([]);
    expect(server.output()).toMatch(MENDED);
  });
});

describe('one flipped bit in the newest checkpoint', () => {
  it.each<[string, (bytes: number) => number]>([
    ['its magic', () => 3],
    ['the layout it was made with', () => 17],
    ['its length', () => 25],
    ['its checksum', () => 40],
    ['the log’s id', () => 70],
    ['its place in the log', () => 100],
    ['the middle of its state', (bytes) => Math.floor(bytes / 2)],
    ['its last byte', (bytes) => bytes - 1],
  ])('in %s: it is not used, that is told, and the rows are the model’s', async (_, at) => {
    const data = await copyOf('live');
    const folder = join(data, 'checkpoints');
    const newest = join(folder, readdirSync(folder).sort().at(-1) ?? '');
    flip(newest, 2, at(readFileSync(newest).length));
    const server = await serve(data);
    expect(server.output()).toMatch(WITHOUT);
    expect(await client.faults(server)).toEqual([]);
  });
});
