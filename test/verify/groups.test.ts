import { describe, expect, it } from 'vitest';
import type { VmSeen } from '../../src/verify/answers.ts';
import { groupsOf, inTurn } from '../../src/verify/groups.ts';
import { RowStream, VmStreams } from '../../src/verify/reader.ts';

const START = Date.parse('2026-03-01T00:00:00Z');

/** The pages, one after another. */
function paged<T>(...pages: T[][]): RowStream<T> {
  return new RowStream(() => Promise.resolve(pages.shift() ?? null));
}

/** A VM with so many samples, of which it has one in so many minutes. */
function seen(vm: string, samples: number, everyMinutes = 1): VmSeen {
  const lastMs = START + (samples - 1) * everyMinutes * 60_000;
  return { vm, samples, first_sample: START, last_sample: lastMs, first_minute: START };
}

async function namesOf(vms: VmSeen[], pageRows: number, picks: ((vm: string) => boolean) | null = null): Promise<string[]> {
  const groups: string[] = [];
  for await (const group of groupsOf(paged(vms), picks, START, pageRows)) groups.push(group.map((each) => each.vm).join());
  return groups;
}

describe('VMs are grouped', () => {
  it.each<[string, VmSeen[], string[]]>([
    ['as many as fit a page', [seen('a', 40), seen('b', 40), seen('c', 40), seen('d', 10)], ['a,b', 'c,d']],
    ['one with more than a page alone', [seen('a', 10), seen('b', 5000), seen('c', 10)], ['a', 'b', 'c']],
    ['by minutes where these are more than samples', [seen('a', 7, 10), seen('b', 7, 10)], ['a', 'b']],
    [
      'those that only the catalog knows',
      [{ ...seen('a', 0), first_sample: null, last_sample: null, first_minute: null }],
      ['a'],
    ],
  ])('%s', async (_, vms, expected) => {
    expect(await namesOf(vms, 100)).toEqual(expected);
  });

  it('never more than a request may name', async () => {
    const groups = await namesOf(
      Array.from({ length: 41 }, (_, i) => seen(`v${i}`, 1)),
      10_000,
    );
    expect(groups.map((names) => names.split(',').length)).toEqual([40, 1]);
  });

  it('of those picked', async () => {
    expect(await namesOf([seen('a', 1), seen('b', 1), seen('c', 1)], 100, (vm) => vm !== 'b')).toEqual(['a,c']);
  });
});

describe('work in turn', () => {
  async function* upTo(count: number): AsyncGenerator<number> {
    for (let i = 0; i < count; i += 1) yield await Promise.resolve(i);
  }
  const turns = async (times: number): Promise<void> => {
    for (let i = 0; i < times; i += 1) await Promise.resolve();
  };

  it('gives results in order, however long each takes, and does no more at once than it may', async () => {
    let [atWork, most] = [0, 0];
    const results: number[] = [];
    const work = async (item: number): Promise<number> => {
      most = Math.max(most, ++atWork);
      await turns((item * 37) % 50);
      atWork -= 1;
      return item;
    };
    for await (const result of inTurn(upTo(30), 4, work)) results.push(result);
    expect(results).toEqual(Array.from({ length: 30 }, (_, i) => i));
    expect(most).toBe(4);
  });

  it('ends what was begun where nobody wants more', async () => {
    const ended: number[] = [];
    const work = async (item: number, signal: AbortSignal): Promise<number> => {
      while (item > 1 && !signal.aborted) await new Promise(setImmediate);
      ended.push(item);
      return item;
    };
    for await (const result of inTurn(upTo(30), 4, work)) if (result === 1) break;
    expect(ended.sort()).toEqual([0, 1, 2, 3, 4]);
  });

  it('throws a failure when its turn comes', async () => {
    const results: number[] = [];
    const work = (item: number): Promise<number> => (item === 2 ? Promise.reject(new Error('two')) : Promise.resolve(item));
    const all = async (): Promise<void> => {
      for await (const result of inTurn(upTo(30), 4, work)) results.push(result);
    };
    await expect(all()).rejects.toThrow('two');
    expect(results).toEqual([0, 1]);
  });
});

describe("a VM's rows among those of several", () => {
  const row = (vm: string, n: number): { vm: string; n: number } => ({ vm, n });

  it('are found across pages, after rows that nobody took, and where a VM has none', async () => {
    const streams = new VmStreams(
      paged([row('a', 1), row('a', 2), row('b', 1)], [], [row('b', 2), row('b', 3)], [row('b', 4), row('d', 1)], [row('e', 1)]),
    );
    const all = (): boolean => true;
    const rest = (vm: string, wanted: (row: { n: number }) => boolean = all) => streams.of(vm, wanted).takeWhile(all);
    expect(await streams.of('a', () => true).next()).toEqual(row('a', 1));
    expect(await rest('b', ({ n }) => n !== 3)).toEqual([row('b', 1), row('b', 2), row('b', 4)]);
    expect(await rest('c')).toEqual([]);
    expect(await rest('e')).toEqual([row('e', 1)]);
    expect(await rest('f')).toEqual([]);
  });
});
