/**
 * How many samples a second one core turns from request bytes into minute rows: the kernel against plain JavaScript, and against the same
 * algorithm in C.
 *
 * What would make it unfair, and what is done about it: other work on the machine (every contender runs once in each round, and is charged
 * the lesser of its CPU and wall time); work left out (rows of all are compared before anything is timed, and the kernel counts its samples
 * in every round; JavaScript and C do less than the kernel: see bench/baseline); a warm start for one only (all run the workload before they are
 * timed, C within its own process); a size that suits one (5,000 samples a request; with 100 or 50,000 the order stays the same).
 */
import { BODY_BYTES_MAX } from '../src/kernel/decoder.ts';
import { JavaScriptAggregator, parseByLine, parseJoined } from './baseline/javascript.ts';
import { binaryOf } from './binary-workload.ts';
import { type Contender, measure, type Measured, ratio, type Report } from './harness.ts';
import { KernelPath } from './kernel-path.ts';
import { buildNative, type NativeMode } from './native.ts';
import { hashOf, totalsOf } from './rows.ts';
import { costContenders } from './scale.ts';
import { fleetWorkload, type Workload } from './workload.ts';

const LINES_A_BODY = 5_000;
const NATIVE: readonly (readonly [name: string, mode: NativeMode])[] = [
  ['C, NDJSON to rows', 'rows'],
  ['C, decode alone', 'decode'],
  ['C, frames to rows', 'aggregate'],
];

export interface KernelBench {
  readonly vms: number;
  readonly intervals: number;
  readonly warmups: number;
  readonly rounds: number;
  /** VMs of the large fleet */
  readonly manyVms: number;
}

function runBaseline(work: Workload, vms: number, parse = parseJoined): JavaScriptAggregator {
  const aggregator = new JavaScriptAggregator(vms);
  for (const body of work.bodies) aggregator.take(body, parse);
  return aggregator;
}

/** @throws Error where the contenders don't come to the same rows: nothing is timed then */
export function kernelBench({ vms, intervals, warmups, rounds, manyVms }: KernelBench): Report {
  const work = fleetWorkload(vms, intervals, { linesABody: LINES_A_BODY });
  if (work.bodies.some((body) => body.length > BODY_BYTES_MAX)) throw new Error('a request of the workload is too large');
  const path = new KernelPath(vms);

  for (const body of work.bodies) path.take(body);
  const rows = path.minuteRows();
  const hash = hashOf(rows);
  const same = (name: string, other: string): void => {
    if (other !== hash) throw new Error(`the rows of ${name} (${other}) are not the kernel's (${hash})`);
  };
  same('JavaScript', hashOf(runBaseline(work, vms).rows()));
  same('JavaScript by line', hashOf(runBaseline(work, vms, parseByLine).rows()));
  const archivedBytes = path.archivedBytes;
  const binary = work.bodies.map(binaryOf);
  path.forget();
  for (const body of binary) path.take(body, 'binary');
  same('the binary format', hashOf(path.minuteRows()));
  const native = buildNative(work, vms);
  if (native !== null) same('C', hashOf(native.rows()));

  const decoded = work.bodies.map((body) => {
    const { accepted, frames } = path.decode(body);
    return { accepted, frames: new Uint8Array(frames) };
  });
  const forget = (): void => {
    path.forget();
  };
  const contenders: Contender[] = [
    {
      name: 'kernel, NDJSON to rows',
      prepare: forget,
      run: () => {
        for (const body of work.bodies) path.take(body);
        return path.check(work.samples);
      },
    },
    { name: 'kernel, decode alone', run: () => work.bodies.reduce((sum, body) => sum + path.decode(body).accepted, 0) },
    {
      name: 'kernel, frames to rows',
      prepare: forget,
      run: () => {
        for (const { accepted, frames } of decoded) path.aggregate(accepted, frames);
        return path.check(work.samples);
      },
    },
    {
      name: 'kernel, binary to rows',
      prepare: forget,
      run: () => {
        for (const body of binary) path.take(body, 'binary');
        return path.check(work.samples);
      },
    },
    ...NATIVE.flatMap(([name, mode]) => (native === null ? [] : [{ name, run: () => native.run(mode) }])),
    {
      name: 'JavaScript, one JSON.parse a body',
      run: () => {
        runBaseline(work, vms);
        return work.samples;
      },
    },
    {
      name: 'JavaScript, one JSON.parse a line',
      run: () => {
        runBaseline(work, vms, parseByLine);
        return work.samples;
      },
    },
  ];
  const few = costContenders(vms, LINES_A_BODY);
  const many = costContenders(manyVms, LINES_A_BODY);
  const rates = measure([...contenders, ...few, ...many], { warmups, rounds });
  native?.close();
  return {
    bench: 'kernel',
    question: 'samples a second on one core, request bytes to minute rows',
    workHash: hash,
    work: {
      vms,
      manyVms,
      samples: work.samples,
      bytesASample: Number((work.bytes / work.samples).toFixed(1)),
      binaryBytesASample: Number((binary.reduce((sum, { length }) => sum + length, 0) / work.samples).toFixed(1)),
      linesABody: LINES_A_BODY,
      uptimeRows: rows.uptime.length,
      trafficRows: rows.traffic.length,
      archiveBytesASample: Number((archivedBytes / work.samples).toFixed(1)),
      ...Object.fromEntries(Object.entries(totalsOf(rows)).map(([name, total]) => [name, String(total)])),
      compiler: native?.compiler ?? 'none',
    },
    rates,
    ratios: ratiosOf(rates, vms, manyVms),
  };
}

function ratiosOf(rates: readonly Measured[], vms: number, manyVms: number): Measured[] {
  const of = (name: string): Measured => {
    const found = rates.find((rate) => rate.name === name);
    if (found === undefined) throw new Error(`no contender is called ${name}`);
    return found;
  };
  const joined = of('JavaScript, one JSON.parse a body');
  const byLine = of('JavaScript, one JSON.parse a line');
  const ratios = [
    ratio('kernel ÷ JavaScript (the faster)', of('kernel, NDJSON to rows'), joined.median > byLine.median ? joined : byLine),
  ];
  if (rates.some(({ name }) => name === 'C, NDJSON to rows')) {
    ratios.push(
      ratio('kernel ÷ C, NDJSON to rows', of('kernel, NDJSON to rows'), of('C, NDJSON to rows')),
      ratio('kernel ÷ C, decode alone', of('kernel, decode alone'), of('C, decode alone')),
      ratio('kernel ÷ C, frames to rows', of('kernel, frames to rows'), of('C, frames to rows')),
    );
  }
  const cost = (order: string): Measured =>
    ratio(
      `cost a sample, ${manyVms} ÷ ${vms} VMs, ${order}`,
      of(`kernel, ${vms} VMs, ${order}`),
      of(`kernel, ${manyVms} VMs, ${order}`),
    );
  return [...ratios, ...['the same order', 'hosts shuffled', 'VMs shuffled'].map(cost)];
}
