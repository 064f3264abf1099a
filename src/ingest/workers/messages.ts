/**
 * What the main process and its ingest workers say to each other, over Node's channel between parent and child. What is said within one
 * turn of a side's event loop goes as one message, a list, in the order it was said. Connections travel beside it, each with the word
 * CONNECTION.
 */
import type { Key } from '../../http/keys.ts';
import { type ProblemCode, ProblemError } from '../../problems/problem.ts';
import type { CutReason } from '../../http/connections.ts';
import type { ToldSources } from '../../sources/held-sources.ts';
import type { Asked } from '../../sources/replicas/candidate.ts';
import type { ToldGroup } from '../../sources/replicas/replicas.ts';
import type { Counted } from '../../sources/source-counts.ts';
import type { JudgedBatch } from '../door.ts';

export const CONNECTION = 'connection';

/** What a worker is told first. */
export interface Setup {
  /** Its number among the workers. */
  readonly worker: number;
  /** The Unix socket on which the main process serves everything, in a folder of its own. */
  readonly mainSocket: string;
  readonly retentionDays: number;
  readonly logLevel: string;
  /** How far the time that the product goes by is ahead of the machine's: not 0 while the machine's has made a leap that is refused. */
  readonly clockAheadMs: number;
  /** Its part of the bytes of bodies that may be in memory at once. */
  readonly bodiesBytesMax: number;
  /** Its part of the connections that there may be, if anybody said how many; its own limit of files holds besides. */
  readonly connectionsMax: number;
  /** Requests that it may have the main process answer at once. */
  readonly forwardsMax: number;
}

export type ToWorker =
  | { readonly type: 'setup'; readonly setup: Setup }
  /** Who presents the key that was asked for; null: nobody. */
  | { readonly type: 'key'; readonly id: number; readonly key: Key | null }
  /** The batch is durable, or why it is not. */
  | { readonly type: 'stored'; readonly id: number; readonly problem: SentProblem | null }
  /** Which replicas are heard, or why that is open. */
  | { readonly type: 'elected'; readonly id: number; readonly told: readonly ToldGroup[]; readonly problem: SentProblem | null }
  /** The keys have changed. */
  | { readonly type: 'forget' }
  /** All sources in force, when they have changed, and first before anything is posted. */
  | { readonly type: 'sources'; readonly sources: ToldSources }
  /** The machine's clock is right, though it has made a leap. */
  | { readonly type: 'follow' }
  | { readonly type: 'close' };

export type FromWorker =
  /** It takes requests, on so many connections. */
  | { readonly type: 'ready'; readonly connectionsMax: number }
  /** It has cut a connection off. */
  | { readonly type: 'cut'; readonly reason: CutReason }
  | { readonly type: 'key'; readonly id: number; readonly presented: string }
  | { readonly type: 'batch'; readonly id: number; readonly keyId: string; readonly batch: JudgedBatch }
  | { readonly type: 'elect'; readonly id: number; readonly asked: readonly Asked[] }
  /** A request that was answered, as `ObserveRequest` has it. */
  | {
      readonly type: 'request';
      readonly method: string;
      readonly route: string;
      readonly status: string;
      readonly seconds: number;
    }
  /** What became of what a source sent, since the last time. */
  | { readonly type: 'source-counts'; readonly source: string; readonly counts: readonly (readonly [Counted, number])[] }
  /** A connection has ended. */
  | { readonly type: 'closed' };

/** A ProblemError without what an error has besides. */
export type SentProblem = Pick<ProblemError, 'code' | 'detail' | 'extra' | 'headers'>;

export function sentProblem({ code, detail, extra, headers }: ProblemError): SentProblem {
  return { code, detail, extra, headers };
}

export function problemFrom({ code, detail, extra, headers }: SentProblem): ProblemError {
  return new ProblemError(code satisfies ProblemCode, detail, extra, headers);
}

/** Collects what is said in one turn of the event loop. */
export class Outbox<Item> {
  readonly #send: (items: readonly Item[]) => void;
  #items: Item[] = [];
  #scheduled = false;

  /** @param send need not care whether the other side still hears it */
  constructor(send: (items: readonly Item[]) => void) {
    this.#send = send;
  }

  say(item: Item): void {
    this.#items.push(item);
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.flush();
    });
  }

  flush(): void {
    this.#scheduled = false;
    if (this.#items.length === 0) return;
    const items = this.#items;
    this.#items = [];
    this.#send(items);
  }
}
