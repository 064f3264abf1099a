/** What a process says of itself at /readyz, of taking samples and of answering questions apart. */
import { ProblemError } from '../problems/problem.ts';
import type { Readiness } from '../api/service/status.ts';
import type { Store } from '../store/store.ts';

/** Whoever asks more often hears the same again: the question needs no key. */
const ASK_EVERY_MS = 1_000;
/** A store that takes longer to answer nothing at all does not answer. */
const ANSWER_MS = 2_000;

/** Why the store does not answer, undefined when it does. It is asked: what keeps nobody busy is noticed by nothing else. */
export function storeHealth(
  store: Pick<Store, 'rows'>,
  nowMs: () => number = () => performance.now(),
): () => Promise<string | undefined> {
  let askedAtMs = -Infinity;
  let last: Promise<string | undefined> = Promise.resolve(undefined);
  return () => {
    if (nowMs() - askedAtMs >= ASK_EVERY_MS) {
      askedAtMs = nowMs();
      last = ask(store);
    }
    return last;
  };
}

async function ask(store: Pick<Store, 'rows'>): Promise<string | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => {
      resolve(`ClickHouse has not answered within ${ANSWER_MS / 1000} s`);
    }, ANSWER_MS);
  });
  const answered = store.rows('SELECT 1').then(
    () => undefined,
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
  try {
    return await Promise.race([answered, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Why every body of samples would be refused now, undefined when it would not. */
export function refusalNow(door: { refuseNow(): void }): string | undefined {
  try {
    door.refuseNow();
    return undefined;
  } catch (error) {
    if (error instanceof ProblemError) return `${error.code}: ${error.detail}`;
    throw error;
  }
}

/** @param why of each thing that the process does why it can't, undefined where it can; what is left out others do */
export function readinessOf(why: {
  samples?: string | undefined;
  questions?: string | undefined;
  rows?: string | undefined;
}): Readiness {
  const word = (of: 'samples' | 'questions'): string => (of in why ? (why[of] ?? 'ok') : 'elsewhere');
  const detail = why.samples ?? why.questions ?? why.rows;
  return {
    ready: detail === undefined,
    ...(detail === undefined ? {} : { detail }),
    samples: word('samples'),
    questions: word('questions'),
  };
}
