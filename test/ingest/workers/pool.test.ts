import { HeldSources } from '../../../src/sources/held-sources.ts';
/** The keeper of workers and their channel, against processes that only a test could have. */
import { EventEmitter } from 'node:events';
import type { ChildProcess } from 'node:child_process';
import type { Socket } from 'node:net';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ProblemError } from '../../../src/problems/problem.ts';
import { answerWorker, type Desk } from '../../../src/ingest/workers/desk.ts';
import { IN_FLIGHT_BYTES_MAX, MainLink, QUESTIONS_MAX } from '../../../src/ingest/workers/main-link.ts';
import { CONNECTION, type FromWorker, type ToWorker } from '../../../src/ingest/workers/messages.ts';
import { WorkerPool } from '../../../src/ingest/workers/pool.ts';

const KEY = { id: 'k', role: 'agent', name: 'host', vms: ['*'] } as const;

describe('a worker that keeps dying', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('is started again, later each time, and given up after ten deaths within a minute', async () => {
    const startsMs: number[] = [];
    const fatal: Error[] = [];
    const started = WorkerPool.start({
      workers: 1,
      setup: { mainSocket: '', retentionDays: 0, logLevel: 'silent', bodiesBytesMax: 1, connectionsMax: 9, forwardsMax: 9 },
      waitingMax: 9,
      onDropped: () => undefined,
      onItem: () => undefined,
      logger: pino({ level: 'silent' }),
      monotonicMs: () => Date.now(),
      onFatal: (error) => fatal.push(error),
      fork: () => {
        startsMs.push(Date.now());
        const child = Object.assign(new EventEmitter(), { pid: 1, send: () => true });
        queueMicrotask(() => child.emit('exit', 1, null));
        return child as unknown as ChildProcess;
      },
    });
    const outcome = expect(started).rejects.toThrow('ingest workers ended 10 times within a minute, the last with code 1');
    await vi.advanceTimersByTimeAsync(60_000);
    await outcome;
    expect(startsMs.slice(1).map((at, i) => at - (startsMs[i] ?? 0))).toEqual([50, 100, 200, 400, 800, 1600, 3200, 5000, 5000]);
    expect(fatal).toHaveLength(1);
  });
});

describe('a connection', () => {
  /** Workers that are ready, and what each was sent; `outcome` is told to who sent it, if anything is. */
  async function ready(outcomes: readonly ((sent: (error: Error | null) => void) => void)[]) {
    const children = outcomes.map((outcome, i) => {
      const got: unknown[] = [];
      const send = (message: unknown, handle: unknown, _options?: unknown, done?: (error: Error | null) => void): boolean => {
        if (message === CONNECTION && done !== undefined) {
          got.push(handle);
          outcome(done);
        }
        return true;
      };
      return Object.assign(new EventEmitter(), { pid: i + 1, got, send });
    });
    let next = 0;
    const started = WorkerPool.start({
      workers: children.length,
      setup: { mainSocket: '', retentionDays: 0, logLevel: 'silent', bodiesBytesMax: 1, connectionsMax: 9, forwardsMax: 9 },
      waitingMax: 9,
      onDropped: () => undefined,
      onItem: () => undefined,
      logger: pino({ level: 'silent' }),
      monotonicMs: () => 0,
      onFatal: () => undefined,
      // a dead one's successor is never ready
      fork: () => (children[next++] ?? Object.assign(new EventEmitter(), { send: () => true })) as unknown as ChildProcess,
    });
    for (const child of children) child.emit('message', [{ type: 'ready', connectionsMax: 9 }]);
    return { pool: await started, children };
  }
  const socket = (destroy: () => void = () => undefined): Socket => ({ destroy }) as unknown as Socket;
  const arrives = (sent: (error: Error | null) => void): void => {
    sent(null);
  };

  it('goes to the worker that has the fewest', async () => {
    const { pool, children } = await ready([arrives, arrives]);
    for (let i = 0; i < 4; i++) pool.give(socket());
    expect(children.map(({ got }) => got.length)).toEqual([2, 2]);
    children[1]?.emit('message', [{ type: 'closed' }, { type: 'closed' }]);
    for (let i = 0; i < 2; i++) pool.give(socket());
    expect(children.map(({ got }) => got.length)).toEqual([2, 4]);
  });

  it.each<[string, (sent: (error: Error | null) => void) => void, boolean]>([
    [
      'that could not be sent',
      (sent) => {
        sent(new Error('EPIPE'));
      },
      false,
    ],
    ['that waits to be sent when its worker dies', () => undefined, true],
  ])('%s goes to another', async (_, outcome, dies) => {
    const { pool, children } = await ready([outcome, arrives]);
    const destroy = vi.fn<() => void>();
    const given = socket(destroy);
    pool.give(given);
    if (dies) children[0]?.emit('exit', null, 'SIGKILL');
    expect(children.map(({ got }) => got)).toEqual([[given], [given]]);
    // this process' end of it, when it has gone over
    expect(destroy).toHaveBeenCalledTimes(1);
  });
});

describe('what goes between a worker and the main process', () => {
  /** Both ends without a channel: what the worker has said, and a way to answer it. */
  function linked(desk: Partial<Desk>) {
    const said: FromWorker[] = [];
    const messages: number[] = [];
    const link = new MainLink((items) => {
      messages.push(items.length);
      said.push(...items);
    });
    const full: Desk = {
      keys: {
        findKey: (presented) => (presented === 'good' ? KEY : undefined),
        keyInForce: (id) => (id === KEY.id ? KEY : undefined),
      },
      door: { takeJudged: () => Promise.resolve() },
      sources: new HeldSources(),
      elect: () => Promise.resolve(),
      observe: () => undefined,
      onCut: () => undefined,
      logger: { error: () => undefined },
      ...desk,
    };
    const answer = (): void => {
      link.flush();
      for (const item of said.splice(0)) {
        answerWorker(full, item, (told: ToWorker) => {
          link.hear(structuredClone(told));
        });
      }
    };
    return { link, said, messages, answer };
  }
  const batch = (bytes: number) => ({ accepted: 1, rejectedByCode: [], record: new Uint8Array(bytes) });

  it('of one turn goes in one message', async () => {
    const { link, messages, answer } = linked({});
    const all = Promise.all([link.askKey('good'), ...Array.from({ length: 9 }, () => link.store(KEY.id, batch(1)))]);
    await new Promise((resolve) => setImmediate(resolve));
    expect(messages).toEqual([10]);
    answer();
    await all;
  });

  it('a key is known until keys change, and who is nobody is asked about each time', async () => {
    const { link, answer } = linked({});
    for (const presented of ['good', 'bad']) {
      const asked = link.askKey(presented);
      answer();
      await asked;
    }
    expect([link.findKey('good'), link.findKey('bad')]).toEqual([KEY, undefined]);
    link.hear({ type: 'forget' });
    expect(link.findKey('good')).toBeUndefined();
  });

  it('a batch of a key that was revoked is refused with 401 and goes no further', async () => {
    const taken: unknown[] = [];
    const { link, answer } = linked({ door: { takeJudged: (given) => Promise.resolve(void taken.push(given)) } });
    const stored = link.store('revoked', batch(1));
    answer();
    await expect(stored).rejects.toMatchObject({
      code: 'unauthorized',
      status: 401,
      headers: { 'www-authenticate': 'Bearer realm="uptally"' },
    });
    expect(taken).toEqual([]);
  });

  it.each([
    ['too_many_requests', 429],
    ['log_unavailable', 503],
  ] as const)('the main process’ %s is the sender’s', async (code, status) => {
    const problem = new ProblemError(code, 'not now', { some: 1 }, { 'retry-after': '5' });
    const { link, answer } = linked({ door: { takeJudged: () => Promise.reject(problem) } });
    const stored = link.store(KEY.id, batch(1));
    answer();
    await expect(stored).rejects.toMatchObject({ code, status, detail: 'not now', extra: { some: 1 }, headers: problem.headers });
  });

  it('what it does not expect is told as internal, and logged', async () => {
    const logged: unknown[] = [];
    const { link, answer } = linked({
      door: { takeJudged: () => Promise.reject(new Error('secret')) },
      logger: { error: (...said: unknown[]) => void logged.push(said) },
    });
    const stored = link.store(KEY.id, batch(1));
    answer();
    await expect(stored).rejects.toMatchObject({
      code: 'internal',
      status: 500,
      detail: 'the server failed to answer; its log says more',
    });
    expect(logged).toHaveLength(1);
  });

  it('is bounded: in bytes on their way, and in keys asked about', async () => {
    const { link, answer } = linked({});
    const refusal = expect.objectContaining({ code: 'too_many_requests', headers: { 'retry-after': '1' } }) as Error;
    const half = IN_FLIGHT_BYTES_MAX / 2 + 1;
    link.refuseWhenFull();
    const stored = [link.store(KEY.id, batch(half))];
    link.refuseWhenFull();
    stored.push(link.store(KEY.id, batch(half)));
    expect(() => {
      link.refuseWhenFull();
    }).toThrow(refusal);
    const asked = Array.from({ length: QUESTIONS_MAX }, () => link.askKey('bad'));
    await expect(link.askKey('bad')).rejects.toEqual(refusal);
    answer();
    await Promise.all([...stored, ...asked]);
    link.refuseWhenFull();
  });
});
