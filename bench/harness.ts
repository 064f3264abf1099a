/**
 * Measuring side by side: every contender runs once in every round, in turn, so that what else the machine does falls on all of them, and a
 * ratio is taken within a round. What is told is the median and the spread of the rounds.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { progress } from './progress.ts';

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
      progress.at((round + warmups) * contenders.length + i, (warmups + rounds) * contenders.length, contender.name);
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

/** A figure that is neither a rate nor a time nor a ratio. */
export interface Valued extends Measured {
  readonly unit: string;
}

/** A chart of one thing against another, and the sentence that it supports. */
export interface Series {
  readonly id: string;
  readonly sentence: string;
  readonly x: Axis;
  readonly y: Axis;
  readonly lines: readonly { readonly name: string; readonly points: readonly (readonly [x: number, y: number])[] }[];
}

export interface Axis {
  readonly name: string;
  readonly logarithmic?: boolean;
}

export interface Report {
  readonly bench: string;
  readonly question: string;
  /** of the results that all contenders agreed on before anything was timed */
  readonly workHash: string;
  readonly work: Readonly<Record<string, number | string>>;
  /** units a second */
  readonly rates: readonly Measured[];
  /** milliseconds */
  readonly times?: readonly Measured[];
  readonly ratios: readonly Measured[];
  readonly values?: readonly Valued[];
  readonly series?: readonly Series[];
  /** what was left out here, and why */
  readonly skipped?: readonly string[];
}
