/** What stock senders do to a meter, as the product takes it: bodies in the format that receivers write, through the kernel into the archive. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Decoder } from '../../src/kernel/decoder.ts';
import { samplesRecord, tickRecord } from '../../src/log/record.ts';
import { BatchWriter, type BatchRecord } from '../../src/samples/batch-writer.ts';
import { optionsAt, T0_MS } from '../model/literal.ts';
import { emptyStore, memoryCheckpoints, MemoryLog, readStored, startAggregator, type StoredRows } from '../support/product.ts';
import { openTestStore, type TestStore } from '../support/store.ts';

type Body = readonly BatchRecord[];

const STEP_MS = 10_000;
let test: TestStore;
const decoder = new Decoder();
beforeAll(async () => {
  test = await openTestStore();
});
afterAll(() => test.remove());

function point(vm: string, atMs: number, rest: Partial<BatchRecord>): BatchRecord {
  const nothing = { rx: null, tx: null, epoch: 0, startedAtMs: null, holdS: null, linkMbps: null, sum: false };
  return { vm, nic: 'e', host: '', ...nothing, state: 'up', ...rest, atMs: T0_MS + atMs };
}

/** What is stored once these posts were taken and ten minutes have passed; each post is a step of its own where `stepwise`. */
async function stored(posts: readonly Body[], stepwise = false): Promise<StoredRows> {
  await emptyStore(test.store);
  const options = optionsAt(600_000);
  const log = new MemoryLog();
  const aggregator = await startAggregator({ store: test.store, log, checkpoints: memoryCheckpoints(), options });
  for (const post of posts) {
    const writer = new BatchWriter();
    for (const record of post) writer.add(record);
    const decoded = decoder.decode([Buffer.concat(writer.body())], 'binary', { nowMs: 8e14, oldestMs: 0, patterns: null });
    if (decoded.outcome !== 'decoded' || decoded.rejected > 0) throw new Error('the door refused a post');
    log.push(samplesRecord('a', decoded.accepted, decoded.frames));
    if (stepwise) await aggregator.step();
  }
  log.push(tickRecord(options.clockMs ?? 0, []));
  while (await aggregator.step());
  return readStored(test.store);
}

/** The rows of a VM without its name. */
function rowsOf(rows: StoredRows, vm: string): Record<'uptime' | 'traffic' | 'outages' | 'quarantined', string[]> {
  const of = (lines: string[]): string[] => lines.flatMap((line) => (line.startsWith(`${vm} `) ? [line.slice(vm.length)] : []));
  return {
    uptime: of(rows.uptime),
    traffic: of(rows.traffic),
    outages: of(rows.outages),
    quarantined: of(rows.quarantined),
  };
}

/** Received bytes of a VM over all its minutes. */
function received(rows: StoredRows, vm: string): number {
  return rowsOf(rows, vm).traffic.reduce((sum, line) => sum + Number(line.trim().split(' ')[2]), 0);
}

const INSTANTS = [0, 45_000, 90_000, 170_000];
const rxOf = (vm: string): Body => INSTANTS.map((ms, i) => point(vm, ms, { rx: 1000 + i * i * 777 }));
const txOf = (vm: string): Body => INSTANTS.map((ms, i) => point(vm, ms, { tx: 2 ** 53 - 1 - 900 + i * 300 }));
const wholeOf = (vm: string): Body => rxOf(vm).map((one, i) => ({ ...one, tx: txOf(vm)[i]?.tx ?? null }));

describe('halves', () => {
  it('G1: rx and tx in two posts, either order, one of them twice, come to the rows of one sample', async () => {
    const posts = [
      wholeOf('whole'),
      ...[rxOf('rx-first'), txOf('rx-first')],
      ...[txOf('tx-first'), rxOf('tx-first')],
      ...[rxOf('rx-again'), txOf('rx-again'), rxOf('rx-again')],
      ...[txOf('tx-again'), txOf('tx-again'), rxOf('tx-again')],
      rxOf('mixed').flatMap((one, i) => [one, ...txOf('mixed').slice(i, i + 1)]),
    ];
    for (const stepwise of [false, true]) {
      const rows = await stored(posts, stepwise);
      const whole = rowsOf(rows, 'whole');
      expect(whole.traffic).toHaveLength(3);
      for (const vm of ['rx-first', 'tx-first', 'rx-again', 'tx-again', 'mixed']) expect(rowsOf(rows, vm), vm).toEqual(whole);
      expect(rows.conflicts).toBe(0);
    }
  });

  it('G2: eight points, cut into posts in each of the 128 ways, come to the same rows', async () => {
    const cuts = Array.from({ length: 128 }, (_, cut) => cut);
    const posts = cuts.flatMap((cut) => {
      const parts: BatchRecord[][] = [[]];
      rxOf(`cut-${cut}`)
        .flatMap((one, i) => [one, ...txOf(`cut-${cut}`).slice(i, i + 1)])
        .forEach((one, i) => {
          if (i > 0 && (cut & (1 << (i - 1))) !== 0) parts.push([]);
          parts.at(-1)?.push(one);
        });
      return parts;
    });
    const rows = await stored([...posts, wholeOf('whole')]);
    const whole = rowsOf(rows, 'whole');
    for (const cut of cuts) expect(rowsOf(rows, `cut-${cut}`), `cut ${cut}`).toEqual(whole);
  });
});

describe('a live migration from A to B and back, told by both hosts for 40 s', () => {
  const RATE = 1000;
  /** [host, epoch, from, to, beginning and end of its running there], in seconds */
  const STAYS = [
    ['A', 1, 0, 140, 0, 100],
    ['B', 2, 60, 240, 100, 200],
    ['A', 3, 160, 300, 200, 300],
  ] as const;

  /** Each host tells what it counted every ten seconds, `lateS` after the other, and a state only while the VM runs there. */
  const told = (vm: string, isTold: (secondsAfterArrival: number) => boolean, counted: number, lateS: number): BatchRecord[] =>
    STAYS.flatMap(([host, epoch, from, to, begins, ends], stay) =>
      Array.from({ length: (to - from) / 10 }, (_, i) => from + i * 10 + (host === 'B' ? lateS : 0)).flatMap((s) => {
        const ran = Math.max(0, Math.min(s, ends) - begins);
        const runs = s >= begins && s <= ends;
        if (stay > 0 && !isTold(s - begins)) return [];
        const rx = (stay === 0 ? counted : 0) + ran * RATE;
        return [point(vm, s * 1000, { host, epoch, rx, tx: 0, state: runs ? 'up' : 'none' })];
      }),
    );

  it.each([
    ['the target tells from its arrival', () => true, 0],
    ['the target tells once it runs', (s: number) => s > 0, 5],
  ] as const)(
    'G3: %s: what was carried is billed but for an interval a move, and there is no outage',
    async (_, isTold, lateS) => {
      const log = told('m', isTold, 50_000_000_000, lateS).sort((a, b) => a.atMs - b.atMs);
      for (const posts of [
        log.map((one) => [one]),
        log.toReversed().map((one) => [one]),
        [log.filter(({ host }) => host === 'B'), log],
      ]) {
        const rows = await stored(posts, true);
        const bytes = received(rows, 'm');
        const last = Math.max(...log.map(({ atMs }) => atMs)) - T0_MS;
        expect(bytes).toBeLessThanOrEqual((last * RATE) / 1000);
        expect(bytes).toBeGreaterThanOrEqual((last * RATE) / 1000 - 2 * RATE * (STEP_MS / 1000));
        // after the last sample it is silent, which is no word of the migration
        expect(rowsOf(rows, 'm').outages.filter((line) => !line.endsWith('silent'))).toEqual([]);
        expect(rowsOf(rows, 'm').outages).toHaveLength(1);
        expect(rows.quarantined).toEqual([]);
      }
    },
  );
});

it('G7: a sum of interfaces that falls bills nothing and is one anomaly; it goes on from there', async () => {
  const sums = [900_000, 950_000, 400_000, 430_000].map((rx, i) => point('s', i * STEP_MS, { rx, tx: 0, sum: true }));
  const rows = await stored(sums.map((one) => [one]));
  expect(received(rows, 's')).toBe(50_000 + 30_000);
  expect(rowsOf(rows, 's').quarantined).toEqual([` e// ${T0_MS + STEP_MS} ${T0_MS + 2 * STEP_MS} 400000 0`]);
});
