/** Which replica is heard, by several processes that share nothing but what is on record. */
import { describe, expect, it } from 'vitest';
import { ProblemError } from '../../../src/problems/problem.ts';
import { Elector, type TenureRecords } from '../../../src/sources/replicas/elector.ts';
import type { Tenure } from '../../../src/sources/replicas/replica-group.ts';
import { CLUSTERS_MAX, Replicas } from '../../../src/sources/replicas/replicas.ts';
import { StoreError } from '../../../src/store/store.ts';
import { below, pick, randomOf } from '../../support/random.ts';

const T0 = Date.parse('2026-03-01T00:00:00Z');
const FAILOVER_MS = 30_000;

/** A record in memory: a step is there once, whoever claims it. */
class Shelf implements TenureRecords {
  readonly steps: Tenure[] = [];
  isAway = false;

  async read(_source: string, _cluster: string, from: number): Promise<readonly Tenure[]> {
    await this.#answer();
    const last = new Map(this.steps.map((each) => [each.tenure, each]));
    return [...last.values()].filter(({ tenure }) => tenure >= from);
  }

  async claim(_source: string, _cluster: string, next: Tenure): Promise<void> {
    await this.#answer();
    if (this.steps.length < next.step) this.steps.push(next);
  }

  async #answer(): Promise<void> {
    await Promise.resolve();
    if (this.isAway) throw new StoreError('unavailable', 'away', true);
  }
}

/** A world with one clock, in which processes come and go. */
class World {
  readonly shelf = new Shelf();
  elapsedMs = 0;

  process(): Process {
    const clocks = { nowMs: () => T0 + this.elapsedMs, monotonicMs: () => this.elapsedMs };
    return new Process(new Replicas(clocks), this.shelf);
  }
}

class Process {
  readonly replicas: Replicas;
  readonly #elector: Elector;

  constructor(replicas: Replicas, records: TenureRecords) {
    this.replicas = replicas;
    this.#elector = new Elector({ replicas, records });
  }

  /** What becomes of samples of a replica at these instants: taken, passed over, or all of them to be sent again. */
  async post(replica: string, atMs: readonly number[], cluster = 'c'): Promise<readonly number[] | 'again'> {
    const candidate = this.replicas.candidate('s', cluster, replica, FAILOVER_MS);
    if (candidate === undefined) throw new Error('no room for the cluster');
    for (;;) {
      const open = atMs.filter((at) => candidate.standing(at) === 'open');
      if (open.length === 0) return atMs.filter((at) => candidate.standing(at) === 'heard');
      try {
        await this.#elector.elect([{ source: 's', cluster, replica, failoverMs: FAILOVER_MS, atMs: Math.max(...open) }]);
      } catch (error) {
        if (error instanceof ProblemError || error instanceof StoreError) return 'again';
        throw error;
      }
    }
  }
}

describe('of two that tell the same', () => {
  it('the first to speak is heard, and the other passed over without a word', async () => {
    const world = new World();
    const one = world.process();
    expect(await one.post('a', [T0])).toEqual([T0]);
    expect(await one.post('b', [T0, T0 + 7000])).toEqual([]);
    expect(await world.process().post('b', [T0 + 7000])).toEqual([]);
  });

  it('one that falls silent is followed by the other, which has what it told since taken: nothing is left out between them', async () => {
    const world = new World();
    const one = world.process();
    await one.post('a', [T0]);
    for (world.elapsedMs = 15_000; world.elapsedMs < 60_000; world.elapsedMs += 15_000)
      await one.post('a', [T0 + world.elapsedMs]);
    const silentFrom = T0 + 45_000;
    const waiting: number[] = [];
    const taken: number[] = [];
    for (; world.elapsedMs < 150_000; world.elapsedMs += 5_000) {
      waiting.push(T0 + world.elapsedMs);
      const answer = await one.post('b', waiting);
      if (answer === 'again') continue;
      taken.push(...answer);
      waiting.length = 0;
    }
    const end = world.shelf.steps.findLast(({ replica }) => replica === 'a')?.untilMs ?? 0;
    expect(end - silentFrom).toBeLessThanOrEqual(FAILOVER_MS);
    const told = Array.from({ length: 18 }, (_, i) => T0 + 60_000 + i * 5_000);
    expect(taken).toEqual(told.filter((at) => at > end));
    // what it comes back with of before is its own, and what it tells of since is not
    expect(await one.post('a', [silentFrom + 1, end, end + 1, T0 + world.elapsedMs])).toEqual([silentFrom + 1, end]);
  });

  it('a restart changes nothing of what was decided, and no silence is counted that nobody has heard', async () => {
    const world = new World();
    await world.process().post('a', [T0]);
    world.elapsedMs = 600_000;
    const next = world.process();
    expect(await next.post('b', [T0 + 600_000])).toBe('again');
    world.elapsedMs += FAILOVER_MS - 1;
    expect(await next.post('b', [T0 + 600_000])).toBe('again');
    world.elapsedMs += 1;
    expect(await next.post('b', [T0 + 600_000])).toEqual([T0 + 600_000]);
    expect(await world.process().post('a', [T0, T0 + 600_000])).toEqual([T0]);
  });

  it('one whose clock is behind is no reason to refuse the other: while it speaks that one is passed over', async () => {
    const world = new World();
    const one = world.process();
    for (; world.elapsedMs < 120_000; world.elapsedMs += 10_000) {
      expect(await one.post('a', [T0 + world.elapsedMs - 50_000])).toHaveLength(1);
      expect(await one.post('b', [T0 + world.elapsedMs])).toEqual([]);
    }
  });

  it('where the record is away who is heard goes on as far as it has got, and then all are to send again', async () => {
    const world = new World();
    const one = world.process();
    await one.post('a', [T0]);
    world.shelf.isAway = true;
    world.elapsedMs = FAILOVER_MS;
    expect(await one.post('a', [T0 + FAILOVER_MS])).toEqual([T0 + FAILOVER_MS]);
    expect(await one.post('a', [T0 + FAILOVER_MS + 1])).toBe('again');
    world.shelf.isAway = false;
    expect(await one.post('a', [T0 + FAILOVER_MS + 1])).toEqual([T0 + FAILOVER_MS + 1]);
  });

  it('what is ahead by more than a sample may be decides nothing', async () => {
    const world = new World();
    await world.process().post('b', [T0 + 86_400_000]);
    expect(world.shelf.steps).toEqual([]);
  });

  it('of more clusters than a source may have none is kept', () => {
    const replicas = new Replicas();
    for (let i = 0; i < CLUSTERS_MAX; i++) expect(replicas.candidate('s', `c${i}`, 'a', FAILOVER_MS)).toBeDefined();
    expect(replicas.candidate('s', 'another', 'a', FAILOVER_MS)).toBeUndefined();
    expect(replicas.candidate('s', 'c1', 'b', FAILOVER_MS)).toBeDefined();
  });
});

it('whatever dies, is late or is sent again, to whichever of three processes: of no instant two are heard, and what was taken once is taken again', async () => {
  for (let seed = 1; seed <= 40; seed++) {
    const random = randomOf(seed);
    const world = new World();
    const processes = [world.process(), world.process(), world.process()];
    const heard = new Map<number, string>();
    const passedOver = new Set<string>();
    const queues: Record<string, number[]> = { a: [], b: [], c: [] };
    const down: Record<string, number> = { a: 0, b: 0, c: 0 };
    const sendQueue = async (replica: string): Promise<void> => {
      const queue = queues[replica] ?? [];
      const atMs = queue.slice(0, 1 + below(random, 8));
      const answer = await pick(random, processes).post(replica, atMs);
      if (answer === 'again') return;
      for (const at of answer) {
        expect([seed, heard.get(at) ?? replica]).toEqual([seed, replica]);
        expect([seed, at, passedOver.has(`${replica} ${at}`)]).toEqual([seed, at, false]);
        heard.set(at, replica);
      }
      for (const at of atMs) {
        const last = world.shelf.steps.at(-1)?.untilMs ?? 0;
        if (!answer.includes(at) && at <= last) passedOver.add(`${replica} ${at}`);
        // what was taken is taken again
        if (heard.get(at) === replica) expect(answer).toContain(at);
      }
      // an answer may be lost: then it is sent again
      if (random() < 0.9) queues[replica] = queue.slice(atMs.length);
    };
    for (let round = 0; round < 120; round++) {
      world.elapsedMs += 1000 + below(random, 9000);
      world.shelf.isAway = random() < 0.03;
      if (random() < 0.05) processes[below(random, 3)] = world.process();
      const sending: Promise<void>[] = [];
      for (const replica of ['a', 'b', 'c']) {
        if (random() < 0.02) down[replica] = round + 2 + below(random, 20);
        // what is down scrapes nothing, and what cannot reach us keeps what it scraped
        if ((down[replica] ?? 0) <= round) {
          queues[replica]?.push(T0 + world.elapsedMs + below(random, 3));
          if (random() < 0.9) sending.push(sendQueue(replica));
        }
      }
      await Promise.all(sending);
    }
    expect([seed, heard.size]).toEqual([seed, expect.any(Number)]);
    expect(heard.size).toBeGreaterThan(20);
    // tenures follow each other
    const ends = world.shelf.steps.map(({ untilMs }) => untilMs);
    expect(ends).toEqual([...ends].sort((x, y) => x - y));
  }
});
