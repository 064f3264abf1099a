/** The main process' answers to a worker: who a key belongs to, and what became of a batch. */
import type { Logger } from 'pino';
import { invalidKey } from '../../http/auth.ts';
import type { CutReason } from '../../http/connections.ts';
import type { KeysInForce } from '../../http/keys.ts';
import type { ObserveRequest } from '../../http/metrics.ts';
import { problemOf } from '../../http/problem-pages.ts';
import type { Asked, Elect } from '../../sources/replicas/candidate.ts';
import type { HeldSources } from '../../sources/held-sources.ts';
import type { ToldGroup } from '../../sources/replicas/replicas.ts';
import type { Door, JudgedBatch } from '../door.ts';
import { type FromWorker, type SentProblem, sentProblem, type ToWorker } from './messages.ts';

export interface Desk {
  readonly keys: KeysInForce;
  readonly door: Pick<Door, 'takeJudged'>;
  readonly sources: HeldSources;
  readonly elect: Elect;
  readonly observe: ObserveRequest;
  /** A connection of a worker was cut off. */
  readonly onCut: (reason: CutReason) => void;
  readonly logger: Pick<Logger, 'error'>;
}

/** Answers what a worker asks; `ready` and `closed` are its keeper's business. */
export function answerWorker(desk: Desk, item: FromWorker, say: (item: ToWorker) => void): void {
  switch (item.type) {
    case 'key':
      say({ type: 'key', id: item.id, key: desk.keys.findKey(item.presented) ?? null });
      return;
    case 'batch': {
      const { id, keyId, batch } = item;
      store(desk, keyId, batch).then(
        () => {
          say({ type: 'stored', id, problem: null });
        },
        (error: unknown) => {
          say({ type: 'stored', id, problem: told(desk, error) });
        },
      );
      return;
    }
    case 'elect':
      desk.elect(item.asked).then(
        () => {
          say({ type: 'elected', id: item.id, told: item.asked.flatMap((each) => groupOf(desk.sources, each)), problem: null });
        },
        (error: unknown) => {
          say({ type: 'elected', id: item.id, told: [], problem: told(desk, error) });
        },
      );
      return;
    case 'request':
      desk.observe(item.method, item.route, item.status, item.seconds);
      return;
    case 'source-counts':
      for (const [what, n] of item.counts) desk.sources.countsOf(item.source).add(what, n);
      return;
    case 'cut':
      desk.onCut(item.reason);
      return;
    case 'ready':
    case 'closed':
      return;
  }
}

function groupOf({ replicas }: HeldSources, { source, cluster }: Asked): ToldGroup[] {
  const group = replicas.group(source, cluster);
  return group === undefined ? [] : [{ source, cluster, tenures: group.tenures, passing: group.passing }];
}

/** The key was good when the worker was told of it; whether it still is counts. */
async function store({ keys, door }: Desk, keyId: string, batch: JudgedBatch): Promise<void> {
  const key = keys.keyInForce(keyId);
  if (key === undefined) throw invalidKey();
  await door.takeJudged(batch, key);
}

function told({ logger }: Desk, error: unknown): SentProblem {
  const problem = problemOf(error);
  if (problem.code === 'internal') logger.error({ err: error }, 'a batch of an ingest worker failed');
  return sentProblem(problem);
}
