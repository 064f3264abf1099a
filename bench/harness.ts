/**
 * Measuring side by side: every contender runs once in every round, in turn, so that what else the machine does falls on all of them, and a
 * ratio is taken within a round. What is told is the median and the spread of the rounds.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

export interface Contender {
  readonly name: string;
  /** Outside the measured time: back to the start. */
  readonly prepare?: () => void;
  /** The work, and how many units of it were done; with the seconds, where the contender measures itself. */
  readonly run: () => number | Timed;
}

export interface Timed {
  readonly units: number;
  readonly seconds: number;
}

/**
 * What a piece of work cost: the CPU time of this process or the wall time, whichever is less. On a busy machine the first leaves out what others
 * had of the core; on a quiet one the second leaves out what helper threads did beside it.
 */
export function charged(work: () => void): number {
  const cpuBefore = process.cpuUsage();
  const startMs = performance.now();
  work();
  const wallMs = performance.now() - startMs;
  const cpu = process.cpuUsage(cpuBefore);
  return Math.min(wallMs, (cpu.user + cpu.system) / 1000) / 1000;
}

export interface Measured {
  readonly name: string;
  /** units a second */
  readonly median: number;
  readonly lowest: number;
  readonly highest: number;
  readonly rounds: readonly number[];
}

export interface Rounds {
  readonly warmups: number;
  readonly rounds: number;
}

/** Runs the contenders in turn. */
export function measure(contenders: readonly Contender[], { warmups, rounds }: Rounds): Measured[] {
  const rates = contenders.map((): number[] => []);
  setFlagsFromString('--expose-gc');
  const collectGarbage = runInNewContext('gc') as () => void;
  for (let round = -warmups; round < rounds; round++) {
    contenders.forEach((contender, i) => {
      contender.prepare?.();
      // nobody pays for the garbage of the one before
      collectGarbage();
      let outcome: number | Timed = 0;
      const seconds = charged(() => {
        outcome = contender.run();
      });
      const timed = typeof outcome === 'number' ? { units: outcome, seconds } : (outcome as Timed);
      if (round >= 0) rates[i]?.push(timed.units / timed.seconds);
    });
  }
  return contenders.map(({ name }, i) => summary(name, rates[i] ?? []));
}

/** Rate of `a` ÷ rate of `b`, round by round. */
export function ratio(name: string, a: Measured, b: Measured): Measured {
  return summary(
    name,
    a.rounds.map((rate, round) => rate / (b.rounds[round] ?? NaN)),
  );
}

/** The rounds of one contender, in units a second. */
export function summary(name: string, rounds: readonly number[]): Measured {
  const sorted = [...rounds].sort((x, y) => x - y);
  const at = (i: number): number => sorted[i] ?? NaN;
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? at(middle) : (at(middle - 1) + at(middle)) / 2;
  return { name, median, lowest: at(0), highest: at(sorted.length - 1), rounds };
}

export interface Report {
  readonly bench: string;
  readonly question: string;
  /** of the results that all contenders agreed on before anything was timed */
  readonly workHash: string;
  readonly work: Readonly<Record<string, number | string>>;
  readonly rates: readonly Measured[];
  /** milliseconds */
  readonly times?: readonly Measured[];
  readonly ratios: readonly Measured[];
}

/** Where and of what the figures are. */
export function conditions(): Record<string, string | number> {
  return {
    commit: commit(),
    node: process.version,
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    loadBefore: Number((loadavg()[0] ?? 0).toFixed(2)),
  };
}

function commit(): string {
  try {
    const git = (...args: string[]): string =>
      execFileSync('git', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
    return git('rev-parse', '--short', 'HEAD') + (git('status', '--porcelain', '--untracked-files=no') === '' ? '' : '+changes');
  } catch {
    return 'unknown';
  }
}

/** One line a figure, for people. */
export function print(report: Report, where: Readonly<Record<string, string | number>>, write: (line: string) => void): void {
  write(`${report.bench}: ${report.question}`);
  write(`  work      ${pairs(report.work)} hash=${report.workHash}`);
  write(`  machine   ${pairs(where)}`);
  const width = Math.max(...[...report.rates, ...(report.times ?? []), ...report.ratios].map(({ name }) => name.length));
  const line = (m: Measured, format: (n: number) => string): string =>
    `  ${m.name.padEnd(width)}  ${format(m.median).padStart(9)}  (${format(m.lowest)} … ${format(m.highest)}, ${m.rounds.length} rounds)`;
  for (const rate of report.rates) write(line(rate, (n) => `${(n / 1e6).toFixed(2)} M/s`));
  for (const time of report.times ?? [])
    write(line(time, (n) => (n < 10_000 ? `${n.toFixed(1)} ms` : `${(n / 1000).toFixed(1)} s`)));
  for (const each of report.ratios) write(line(each, (n) => `${n.toFixed(2)} ×`));
}

function pairs(values: Readonly<Record<string, string | number>>): string {
  return Object.entries(values)
    .map(([key, value]) => `${key}=${value}`)
    .join(' ');
}

/** Keeps the report as JSON in `folder`; the file's path. */
export function save(folder: URL, report: Report, where: Readonly<Record<string, string | number>>, at: Date): URL {
  mkdirSync(folder, { recursive: true });
  const file = new URL(`${report.bench}-${at.toISOString().replaceAll(':', '').slice(0, 17)}.json`, folder);
  writeFileSync(file, `${JSON.stringify({ at: at.toISOString(), ...report, where }, null, 2)}\n`);
  return file;
}
