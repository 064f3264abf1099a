/** What the aggregator has done, as /v1/status shows it. */
import { REJECTION_CODES } from '../samples/rejection.ts';
import { COUNTERS } from '../kernel/layout.ts';
import type { LogGap } from '../store/named-log.ts';
import { type ForgottenSum, NOTHING_FORGOTTEN } from './forgotten.ts';
import type { WaitingWork } from './backlog.ts';

export interface MeteringStatus {
  /** Samples that the log holds durably, that the kernel has taken in, and whose rows can be queried. */
  readonly log: { readonly appended: bigint; readonly aggregated: bigint; readonly stored: bigint };
  /** The id of the log that the rows come from; '' where it is not known. */
  readonly logId?: string;
  /** Why the log is not taken in any further, if it is not. */
  readonly halted?: Halted | undefined;
  /** What operators let pass, since ever. */
  readonly gaps?: readonly LogGap[];
  readonly watermarkMs: number | null;
  /** Entries of the catalog recorded, and those that stored rows are priced by. */
  readonly catalog: { readonly recorded: bigint; readonly applied: bigint };
  readonly vms: number;
  readonly samples: {
    readonly accepted: bigint;
    readonly applied: bigint;
    readonly duplicate: bigint;
    readonly conflict: bigint;
    readonly late: bigint;
    readonly quarantined: bigint;
    readonly rejected: Record<string, bigint>;
  };
  /** Names that were forgotten, since ever, with their samples. */
  readonly forgotten?: ForgottenSum | undefined;
  /** VMs whose rows are not yet what their samples amount to. */
  readonly waiting: WaitingWork;
  /** Of a log in partitions. */
  readonly partitions?: readonly PartitionStatus[];
}

/** A partition and who works on it. */
export interface PartitionStatus {
  readonly partition: number;
  /** Samples, as in the whole status. */
  readonly log: MeteringStatus['log'];
  /** Messages that the brokers hold or held, and those whose rows can be queried. */
  readonly messages: { readonly appended: number; readonly stored: number };
  readonly watermarkMs: number | null;
  readonly checkpointAgeMs: number | null;
  /** 'running', or what it waits for. */
  readonly state: string;
  readonly instance: string;
}

/** Why a log is not taken in any further. */
export interface Halted {
  readonly state: 'log_corrupt' | 'log_mismatch';
  /** For people. */
  readonly detail: string;
}

/** What an aggregator tells of itself after each step. Plain data: it crosses from its thread to the server's. */
export interface Progress {
  /** The last record taken in and stored; -1 before the first. */
  readonly aggregatedSeq: number;
  readonly storedSeq: number;
  readonly aggregatedSamples: bigint;
  readonly storedSamples: bigint;
  readonly clockMs: number;
  readonly vms: number;
  /** names that the kernel knows, against its capacity */
  readonly vmSlots: number;
  readonly nicSlots: number;
  readonly catalogSeq: bigint;
  readonly counters: readonly bigint[];
  readonly quarantined: bigint;
  /** of the whole store; nothing where several processes work on it */
  readonly forgotten?: ForgottenSum;
  readonly checkpointSeq: number;
  /** VMs whose rows are not yet what their samples amount to */
  readonly waiting: WaitingWork;
  /** when this process saved the state last */
  readonly checkpointAtMs?: number | undefined;
}

/** The samples part of the status from the kernel's counters, without those of names that were forgotten. */
export function sampleCounts(
  counters: readonly bigint[],
  quarantined: bigint,
  forgotten: ForgottenSum = NOTHING_FORGOTTEN,
): MeteringStatus['samples'] {
  const at = (name: keyof typeof COUNTERS): bigint => counters[COUNTERS[name]] ?? 0n;
  const rejected: Record<string, bigint> = {};
  REJECTION_CODES.forEach((code, i) => {
    const n = counters[COUNTERS.rejected + i] ?? 0n;
    if (n > 0n) rejected[code] = n;
  });
  return {
    accepted: at('accepted'),
    applied: at('accepted') - at('duplicate') - at('conflict') - (forgotten.samples - forgotten.conflicts),
    duplicate: at('duplicate'),
    conflict: at('conflict') - forgotten.conflicts,
    late: at('late'),
    quarantined,
    rejected,
  };
}
