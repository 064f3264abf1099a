/**
 * Power cuts under the real server: log, checkpoints and ClickHouse lie on one disk, whose power is cut at random moments under load and
 * during starts. `npm run test:powercut` gives it a mount namespace of its own.
 */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Client, LOAD_ENV, type Load } from '../crash/load.ts';
import { type LoopDisk, makeLoopDisk } from '../support/loop-disk.ts';
import { below, randomOf } from '../support/random.ts';
import { allRows, type RawJson, startServer, type TestServer, untilStored } from '../support/server.ts';

const CUTS = Number(process.env['UPTALLY_TEST_CUTS'] ?? 100);
const SEED = Number(process.env['UPTALLY_TEST_SEED'] ?? 1);
const DISK_BYTES = 4 * 2 ** 30;
const FLEETS = 6;
/** The longest a server lives under load, and the longest that a start is waited for before it is cut. */
const LIFE_MS = 1500;
const START_MS = 2500;
/** One cut in so many comes during a start, while state is brought back. */
const STARTS_CUT = 5;
const STEADY_INSTANTS = 500;

const random = randomOf(SEED);
/** What was answered 202 in this life of the server: VM → identity → instant. */
const answered = new Map<string, Map<string, number>>();
const figures = { cuts: 0, inStarts: 0, withJournal: 0, checked: 0 };
const steady: Load[] = [];
const ordinary: Load[] = [];
let disk: LoopDisk;
let client: Client;
let lastSeed = SEED * 1000;

beforeAll(async () => {
  disk = await makeLoopDisk(DISK_BYTES);
  client = new Client((lines) => {
    for (const line of lines) {
      const { vm, ts, nic = '' } = JSON.parse(line) as { vm: string; ts: string | number; nic?: string | null };
      const identities = answered.get(vm) ?? new Map<string, number>();
      const tsMs = new Date(ts).getTime();
      answered.set(vm, identities.set(`${nic ?? ''} ${tsMs}`, tsMs));
    }
  });
});
afterAll(async () => {
  await disk.remove();
});

const dir = (): string => join(disk.path, 'data');
const after = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function cutPower(pid: number): Promise<void> {
  const journal = random() < 0.5;
  await disk.cut(journal);
  figures.cuts++;
  if (journal) figures.withJournal++;
  process.kill(pid, 'SIGKILL');
}

/** A start that the power does not last for; it may have come as far as listening. */
async function cutDuringStart(): Promise<void> {
  let cutting: Promise<void> | undefined;
  const afterMs = random() * START_MS;
  const started = startServer({
    dir: dir(),
    env: LOAD_ENV,
    onSpawn: (pid) => {
      cutting = after(afterMs).then(() => cutPower(pid));
    },
  });
  const server = await started.catch(() => undefined);
  await cutting;
  await server?.exited;
  figures.inStarts++;
}

/** Either the steady load, which keeps the log busy, or a random one, which keeps repair, prices and restatements busy. */
function nextLoad(): Load {
  const kind = random() < 0.5 ? steady : ordinary;
  let open = kind.find((load) => load.waves.length > 0);
  if (open === undefined) {
    open = kind === steady ? client.newSteadyLoad(`steady-${++lastSeed}`, STEADY_INSTANTS) : client.newLoad(++lastSeed, FLEETS);
    kind.push(open);
  }
  return open;
}

/** Sends loads until the power is gone. */
async function cutUnderLoad(server: TestServer): Promise<void> {
  let gone = false;
  const isGone = (): boolean => gone;
  const cutting = after(random() * LIFE_MS).then(async () => {
    gone = true;
    await cutPower(server.pid);
  });
  while (!isGone()) {
    try {
      await client.send(server, nextLoad());
    } catch (error) {
      // a server whose disk is gone may say so in any way but 202
      if (!isGone()) throw error;
    }
  }
  await cutting;
  await server.exited;
}

/** Every sample of this life that was answered 202 is there, and as many as were ever answered are counted. */
async function nothingIsMissing(server: TestServer): Promise<void> {
  const status = await untilStored(server);
  expect(status.samples.accepted).toBeGreaterThanOrEqual(client.answered);
  for (const [vm, identities] of answered) {
    const instants = [...identities.values()];
    const range = `from=${Math.min(...instants)}&to=${Math.max(...instants) + 1}`;
    const rows = await allRows<RawJson>(server, `/v1/vms/${vm}/samples?${range}`);
    const stored = new Set(rows.map(({ nic, ts }) => `${nic} ${Date.parse(ts)}`));
    expect({ vm, missing: [...identities.keys()].filter((identity) => !stored.has(identity)) }).toEqual({ vm, missing: [] });
    figures.checked += identities.size;
  }
  answered.clear();
}

it(
  `${CUTS} power cuts lose nothing that was answered 202, and the rows are the model's in the end`,
  async () => {
    let server = await startServer({ dir: dir(), env: LOAD_ENV });
    await client.makeKeys(server);
    while (figures.cuts < CUTS) {
      await cutUnderLoad(server);
      await disk.restore();
      if (below(random, STARTS_CUT) === 0) {
        await cutDuringStart();
        await disk.restore();
      }
      server = await startServer({ dir: dir(), env: LOAD_ENV });
      await nothingIsMissing(server);
      process.stderr.write(`${figures.cuts} cuts, ${client.answered} samples answered 202\n`);
    }
    for (const load of client.loads) expect(await client.send(server, load)).toBe(true);
    expect(await client.faults(server)).toEqual([]);
    expect(await server.end('SIGTERM')).toEqual({ code: 0, signal: null });
    const { cuts, inStarts, withJournal, checked } = figures;
    process.stderr.write(
      `${cuts} power cuts, ${inStarts} of them during a start, ${withJournal} after the journal was written: ${client.answered} samples ` +
        `answered 202 in ${client.loads.length} loads, ${checked} looked up one by one after the cut, none missing; rows equal the model's\n`,
    );
  },
  300_000 + CUTS * 60_000,
);
