/**
 * Has the kernel become slower? By executed WASM instructions a sample, which are the same on every machine and at every load; a change of
 * more than 5 % upwards fails (so 15 % does). What it would not see: the same instructions waiting longer for memory; that is what the rows of
 * `npm run bench kernel` with a million VMs are for. `npm run bench guard` compares with bench/guard.json; `--record` writes it anew.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { productRoot } from '../src/process/version.ts';
import { binaryOf } from './binary-workload.ts';
import { buildCounted } from './counted.ts';
import { KernelPath } from './kernel-path.ts';
import { hashOf } from './rows.ts';
import { fleetWorkload, reordered } from './workload.ts';

const EXPECTED = new URL('bench/guard.json', productRoot());
/** More instructions a sample than expected by this share are a loss. */
const TOLERANCE = 0.05;
const VMS = 1_000;
const INTERVALS = 14;

export type Counts = Readonly<Record<string, number>>;

/** Instructions a sample of every way a sample can take, and a hash of the rows they made. */
export function countWork(): { counts: Counts; workHash: string } {
  buildCounted();
  const work = fleetWorkload(VMS, INTERVALS, { linesABody: 500 });
  const text = (change: (line: string) => string): Buffer[] =>
    work.bodies.map((body) => Buffer.from(body.toString('latin1').split('\n').filter(Boolean).map(change).join('\n') + '\n'));
  const otherOrder = text((line) => line.replace(/^\{("vm":"[^"]*"),("ts":\d+),(.*)\}$/, '{$3,$2,$1}'));
  const spaced = text((line) => line.replaceAll(',', ', '));
  const others = text((line) =>
    line
      .replace(/"ts":(\d+)/, (_, ms) => `"ts":"${new Date(Number(ms)).toISOString()}"`)
      .replace(/_bytes":(\d+)/g, '_bytes":"$1"')
      .replace('}', ',"cause":null,"site":"hv-17"}')
      .replaceAll(',"', ', "')
      .replaceAll('":', '": '),
  );
  const path = new KernelPath(VMS, 'counted');
  const counts: Record<string, number> = {};
  const count = (name: string, kernel: 'door' | 'aggregator', run: () => void, of = path, samples = work.samples): void => {
    const counter = of.counter(kernel);
    counter.value = 0n;
    run();
    counts[name] = Number((Number(counter.value) / samples).toFixed(1));
  };
  const decodeAll =
    (bodies: readonly Uint8Array[], format: 'ndjson' | 'binary' = 'ndjson') =>
    (): void => {
      for (const body of bodies) path.decode(body, format);
    };
  const aggregateAll = (bodies: readonly Uint8Array[]) => (): void => {
    path.forget();
    for (const body of bodies) path.take(body);
    path.check(work.samples);
  };
  count('decode a line of our agent', 'door', decodeAll(work.bodies));
  count('decode a line in another order', 'door', decodeAll(otherOrder));
  count('decode a line with white space', 'door', decodeAll(spaced));
  count('decode a line with RFC 3339, quotes, null and a stranger', 'door', decodeAll(others));
  count('decode a binary sample', 'door', decodeAll(work.bodies.map(binaryOf), 'binary'));
  count('frame to rows', 'aggregator', aggregateAll(work.bodies));
  const workHash = hashOf(path.minuteRows());
  const shuffled = Array.from(
    { length: INTERVALS },
    (_, i) => reordered({ ...work, bodies: work.bodies.slice(2 * i, 2 * i + 2) }, 1, i).bodies,
  );
  count('frame to rows, VMs shuffled', 'aggregator', aggregateAll(shuffled.flat()));
  const countChains = (name: string, bodies: readonly Buffer[]): void => {
    const samples = bodies.reduce((sum, body) => sum + body.toString('latin1').split('\n').length - 1, 0);
    // two halves of two slots each a VM
    const chains = new KernelPath(VMS, 'counted', 4);
    const run = (): void => {
      for (const body of bodies) chains.take(body);
      chains.check(samples);
    };
    count(name, 'aggregator', run, chains, samples);
  };
  countChains(
    'frame to rows, of a host',
    text((line) => line.replace('}', ',"host":"hv-17"}')),
  );
  const half = (line: string, other: string): string => line.replace(new RegExp(`,"${other}_bytes":\\d+`), '');
  countChains(
    'frame to rows, halves',
    text((line) => `${half(line, 'tx')}\n${half(line, 'rx')}`),
  );
  return { counts, workHash };
}

/** A line for each count that is more than expected by over 5 %, or that nobody expected. */
export function losses(counts: Counts, expected: Counts): string[] {
  return Object.entries(counts).flatMap(([name, n]) => {
    const before = expected[name];
    if (before === undefined) return [`${name}: ${n} instructions a sample, and bench/guard.json knows nothing of it`];
    if (n <= before * (1 + TOLERANCE)) return [];
    return [`${name}: ${n} instructions a sample instead of ${before} (${((n / before - 1) * 100).toFixed(1)} % more)`];
  });
}

/** What bench/guard.json expects. */
export function expectedWork(): { counts: Counts; workHash: string } {
  return JSON.parse(readFileSync(EXPECTED, 'utf8')) as { counts: Counts; workHash: string };
}

/** Exit code: 0 as fast as expected or faster, 1 slower. */
export function guard(record: boolean, write: (line: string) => void): number {
  const now = countWork();
  if (record) {
    writeFileSync(EXPECTED, `${JSON.stringify(now, null, 2)}\n`);
    write('bench/guard.json is written anew');
    return 0;
  }
  const expected = expectedWork();
  for (const [name, n] of Object.entries(now.counts))
    write(`  ${name.padEnd(58)} ${n.toFixed(1).padStart(7)} (${expected.counts[name] ?? '-'})`);
  const found = losses(now.counts, expected.counts);
  if (now.workHash !== expected.workHash) found.push(`the rows have hash ${now.workHash} instead of ${expected.workHash}`);
  for (const line of found) write(`slower: ${line}`);
  if (found.length === 0) write(`guard: no loss (instructions a sample, expected in brackets; rows ${now.workHash})`);
  return found.length === 0 ? 0 : 1;
}
