/** The benches in the order in which they run: the question of each, what would make it unfair, and its sizes. */
import { billingBench } from './billing.ts';
import { endToEndBench } from './end-to-end.ts';
import { growthBench } from './growth.ts';
import type { Report } from './harness.ts';
import { httpBench } from './http.ts';
import { ingestBench } from './ingest.ts';
import { kernelBench } from './kernel.ts';
import { memoryBench } from './memory.ts';
import { millionBench } from './million.ts';
import { queriesBench } from './queries.ts';
import { receiversBench } from './receivers.ts';
import { recoveryBench } from './recovery.ts';
import { verifyBench } from './verify.ts';

export interface Bench {
  readonly question: string;
  /** What would make it unfair, and what is done about it. */
  readonly fairness: string;
  readonly full: () => Report | Promise<Report>;
  /** Seconds, only to show that it runs. */
  readonly smoke: () => Report | Promise<Report>;
}

export const BENCHES: Readonly<Record<string, Bench>> = {
  kernel: {
    question: 'How many samples a second does one core turn from request bytes into minute rows, beside JavaScript and C?',
    fairness:
      'Unfair would be work left out (the rows of all contenders are compared first), other work on the machine (every contender runs once in each round and is charged the lesser of CPU and wall time), a warm start for one only, or a size that suits one.',
    full: () => kernelBench({ vms: 10_000, intervals: 35, warmups: 2, rounds: 9, manyVms: 1_000_000 }),
    smoke: () => kernelBench({ vms: 500, intervals: 14, warmups: 0, rounds: 2, manyVms: 5_000 }),
  },
  ingest: {
    question: 'How many samples a second are answered 202 (durable), beside a route that only reads the body, and how long do answers take?',
    fairness:
      'Unfair would be a baseline that reads less, a log that does not flush, samples that come twice, or a load that waits for slow answers and so never sees them (latency is measured from when a request was due, at a fixed rate).',
    full: () => ingestBench({ vms: 10_000, intervals: 30, warmups: 1, rounds: 5, latencySeconds: 10 }),
    smoke: () => ingestBench({ vms: 2_000, intervals: 2, warmups: 0, rounds: 1, latencySeconds: 1 }),
  },
  http: {
    question: 'How many requests over open connections are answered, and how long do they take, by autocannon and by our own load?',
    fairness:
      'Unfair would be other bytes or connections for one of the two, or one of them while the other runs. Both send the same hundred samples over and over (docs/measured/http.md says what that leaves out, and what the two may differ by).',
    full: () => httpBench({ connections: 50, seconds: 10, warmups: 1, rounds: 5 }),
    smoke: () => httpBench({ connections: 4, seconds: 1, warmups: 0, rounds: 1 }),
  },
  'end-to-end': {
    question: 'How many samples does a CPU-second of the server carry from the request to minute rows, beside ClickHouse and VictoriaMetrics?',
    fairness:
      'Unfair would be work put off until nobody looks (a round ends when the server has left the CPU alone for a second, its merges done), threads not counted, or rows not there: counts and the minutes of a VM are compared first. The alternatives do less: no fsync, no gaps, resets, outages or late samples; VictoriaMetrics only keeps points. Async inserts are timed on fewer samples, or they would take the whole run.',
    full: () => endToEndBench({ vms: 10_000, intervals: 200, asyncIntervals: 8, warmups: 1, rounds: 5 }),
    smoke: () => endToEndBench({ vms: 200, intervals: 8, asyncIntervals: 8, warmups: 1, rounds: 1 }),
  },
  receivers: {
    question:
      'What does remote write of 2,000 series a request cost: to samples on one core, and through whole servers, beside VictoriaMetrics?',
    fairness:
      'Unfair would be labels sent once, series that are known to one and new to the other, or work put off until nobody looks (a round ends when the server has left the CPU alone for a second). Points are counted on both sides first. VictoriaMetrics keeps points, and flushes them every few seconds; ours is on disk before it is answered, and minute rows, outages and raw samples are stored.',
    full: () => receiversBench({ vms: 2_000, intervals: 100, warmups: 1, rounds: 5 }),
    smoke: () => receiversBench({ vms: 100, intervals: 2, warmups: 0, rounds: 1 }),
  },
  queries: {
    question: 'How long does a question about a month of one VM take, in a fleet of 10,000 with a row a minute?',
    fairness:
      'Unfair would be one VM asked again and again, a table with nothing else in it, or rows that lie VM by VM. Sums are compared across steps first.',
    full: () => queriesBench({ accounts: 1000, vmsAnAccount: 10, rounds: 25 }),
    smoke: () => queriesBench({ accounts: 5, vmsAnAccount: 2, rounds: 2 }),
  },
  billing: {
    question: 'How long does it take to bill a month of 1,000 accounts of 10 VMs?',
    fairness:
      'Unfair would be VMs without traffic, rows that lie account by account, or a store that does not fsync. Totals are compared between both ways of asking.',
    full: () => billingBench({ accounts: 1000, vmsAnAccount: 10, rounds: 3 }),
    smoke: () => billingBench({ accounts: 5, vmsAnAccount: 2, rounds: 1 }),
  },
  recovery: {
    question: 'How long after SIGKILL is the server ready again, and when is everything stored that was answered before it?',
    fairness:
      'Unfair would be a log without a tail, a checkpoint just before the kill, or a start that forgets: every sample answered 202 is counted afterwards.',
    full: () => recoveryBench({ fleets: [1_000, 10_000, 100_000], tail: 300_000, rounds: 3 }),
    smoke: () => recoveryBench({ fleets: [200], tail: 2_000, rounds: 1 }),
  },
  verify: {
    question: 'How long does uptally verify take over a day of 1,000 VMs with a sample every 10 s, and what does a sample cost it?',
    fairness:
      'Unfair would be a fleet without outages or plans, or a proof that reads only some samples: it must agree and have read every one. Its CPU time is held against that of metering the same samples, in the same run.',
    full: () => verifyBench({ vms: 1_000, intervals: 8_640, rounds: 3 }),
    smoke: () => verifyBench({ vms: 5, intervals: 200, rounds: 1 }),
  },
  scale: {
    question: 'What do a million VMs with plans cost: memory, checkpoints, and a start after SIGKILL?',
    fairness:
      'Unfair would be VMs that have no catalog entry, no plan or no samples, or a start that finds the files in a warm process. One round.',
    full: () => millionBench(1_000_000, 4),
    smoke: () => millionBench(5_000, 3),
  },
  memory: {
    question: 'How much memory does the whole server take at 100,000 VMs with a sample every 10 s, and does it grow?',
    fairness:
      'Unfair would be a fleet that repeats its names or counters, a clock that stands still (it is the wall clock: minutes are published and checkpoints written as in use), or looking before it is steady: what counts is the second half.',
    full: () => memoryBench({ vms: 100_000, seconds: 900 }),
    smoke: () => memoryBench({ vms: 1_000, seconds: 3 }),
  },
  growth: {
    question: 'What do throughput and memory do as the fleet, requests, late samples and outages grow?',
    fairness:
      'Unfair would be timing the first samples of a VM, which make its state (they come before), or leaving the merges to nobody (they are counted). One server a point, one round: trends, not digits.',
    full: () =>
      growthBench({
        fleets: [1_000, 10_000, 100_000, 1_000_000],
        requestSizes: [1, 10, 100, 1_000, 10_000],
        lateShares: [0, 1, 5, 20, 50],
        outages: [0, 1, 10, 100, 500],
        vms: 10_000,
        samples: 500_000,
      }),
    smoke: () => growthBench({ fleets: [100, 200], requestSizes: [10], lateShares: [20], outages: [100], vms: 200, samples: 2_000 }),
  },
}; // prettier-ignore
