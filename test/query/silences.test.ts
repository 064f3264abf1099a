import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { uncovered } from '../../src/domain/intervals.ts';
import { fellSilentTogether, type Silence } from '../../src/domain/silences.ts';
import type { QueryContext } from '../../src/query/context.ts';
import { silenceGroup, silenceGroups } from '../../src/query/silences.ts';
import { openCatalogOf } from '../support/records.ts';
import { below, randomOf } from '../support/random.ts';
import { openTestStore, type TestStore } from '../support/store.ts';

/** Whole numbers of [0, n). */
function randomFrom(seed: number): (n: number) => number {
  const random = randomOf(seed);
  return (n) => below(random, n);
}

const T0 = Date.parse('2026-03-01T00:00:00Z');
const HOUR = 3_600_000;
const STALENESS = 90_000;

/** The rule once more, silence by silence: whose group is it in? */
function slowGroups(silences: readonly Silence[], withinMs: number): string[] {
  const inOrder = silences.toSorted((a, b) => (a.startMs === b.startMs ? (a.vm < b.vm ? -1 : 1) : a.startMs - b.startMs));
  const firstOf = (i: number): number => {
    if (i === 0) return 0;
    const first = firstOf(i - 1);
    const leader = inOrder[first];
    const own = inOrder[i];
    if (leader === undefined || own === undefined) throw new Error('there is none');
    const isLate = own.startMs > leader.startMs + withinMs;
    const isOver = leader.endMs !== null && leader.endMs <= own.startMs;
    return isLate || isOver ? i : first;
  };
  const groups = new Map<number, string[]>();
  for (const [i, { vm, startMs }] of inOrder.entries()) {
    const first = firstOf(i);
    groups.set(first, [...(groups.get(first) ?? []), `${vm}@${startMs - T0}`]);
  }
  return [...groups.values()].map((group) => group.join(' '));
}
const shown = (groups: readonly (readonly Silence[])[]) =>
  groups.map((group) => group.map(({ vm, startMs }) => `${vm}@${startMs - T0}`).join(' '));

describe('what fell silent together', () => {
  const silence = (vm: string, start: number, end: number | null): Silence => ({
    vm,
    startMs: T0 + start,
    endMs: end === null ? null : T0 + end,
  });

  it('began within the staleness of the first, while that one was silent', () => {
    const groups = fellSilentTogether(
      [silence('c', 90_000, null), silence('a', 0, null), silence('b', 90_001, 95_000), silence('d', 90_002, null)],
      STALENESS,
    );
    expect(shown(groups)).toEqual(['a@0 c@90000', 'b@90001 d@90002']);
    expect(shown(fellSilentTogether([silence('a', 0, 1000), silence('b', 1000, null)], STALENESS))).toEqual(['a@0', 'b@1000']);
    expect(shown(fellSilentTogether([silence('a', 0, 1001), silence('b', 1000, null)], STALENESS))).toEqual(['a@0 b@1000']);
  });

  it('is the same in whatever order it is told, and as the slow rule has it', () => {
    const random = randomFrom(7);
    for (let round = 0; round < 2_000; round += 1) {
      const silences = Array.from({ length: 1 + random(20) }, (_, i) => {
        const start = random(400_000);
        return silence(`v${i}`, start, random(4) === 0 ? null : start + 1 + random(200_000));
      });
      const slow = slowGroups(silences, STALENESS);
      expect(shown(fellSilentTogether(silences, STALENESS))).toEqual(slow);
      expect(shown(fellSilentTogether(silences.toReversed(), STALENESS))).toEqual(slow);
    }
  });

  it('is left open where nothing covers it', () => {
    const at = (fromMs: number, toMs: number) => ({ fromMs, toMs });
    expect(uncovered(at(0, 10), [])).toEqual([at(0, 10)]);
    expect(uncovered(at(0, 10), [at(4, 6), at(-5, 1), at(5, 7), at(9, 20)])).toEqual([at(1, 4), at(7, 9)]);
    expect(uncovered(at(0, 10), [at(0, 4), at(4, 10)])).toEqual([]);
  });
});

describe('silences of the fleet', () => {
  let test: TestStore;
  let context: QueryContext;
  /** By agent, all that there are. */
  const all = new Map<string, Silence[]>();

  beforeAll(async () => {
    test = await openTestStore();
    const random = randomFrom(11);
    const outages: string[] = [];
    const samples: string[] = [];
    const text = (ms: number) => `toDateTime64('${new Date(ms).toISOString().slice(0, -1).replace('T', ' ')}', 3, 'UTC')`;
    for (let v = 0; v < 60; v += 1) {
      const vm = `v${String(v).padStart(2, '0')}`;
      const agent = `h${v % 3}`;
      // bursts in which something begins every minute or so for hours, and quiet between them
      for (let ms = T0 + random(HOUR); ms < T0 + 30 * HOUR;) {
        const end = ms + 1 + random(random(3) === 0 ? 5 * HOUR : 120_000);
        const isLast = end > T0 + 29 * HOUR;
        all.set(agent, [...(all.get(agent) ?? []), { vm, startMs: ms, endMs: isLast ? null : end }]);
        samples.push(`('${vm}', '', ${text(ms - (random(2) === 0 ? STALENESS : 3 * HOUR))}, 1, 0, '${agent}', 'rack-${v % 6}')`);
        if (random(2) === 0) outages.push(`('${vm}', ${text(ms)}, ${text(ms + 1)}, 8, 0, 1)`);
        outages.push(`('${vm}', ${text(ms)}, ${isLast ? text(0) : text(end)}, 8, 0, 2)`);
        if (random(5) === 0)
          outages.push(`('${vm}', ${text(ms - 500)}, ${text(0)}, 8, 0, 1)`, `('${vm}', ${text(ms - 500)}, ${text(0)}, 8, 1, 2)`);
        if (isLast) break;
        ms = end + 1000 + random(random(2) === 0 ? 4 * HOUR : 200_000);
      }
    }
    await test.store.command(
      `INSERT INTO outages (vm, start_at, end_at, condition, withdrawn, version) VALUES ${outages.join(',')}`,
    );
    await test.store.command(`INSERT INTO samples (vm, nic, ts, pos, condition, agent, host) VALUES ${samples.join(',')}`);
    const catalog = await openCatalogOf({ store: test.store, now: () => 0, randomBytes: (size) => new Uint8Array(size) });
    context = { store: test.store, catalog, watermarkMs: () => T0 + 40 * HOUR, stalenessMs: STALENESS };
  });
  afterAll(() => test.remove());

  it('say on which hosts their VMs were', async () => {
    const groups = await silenceGroups(context, { fromMs: T0, toMs: T0 + 40 * HOUR });
    const told = groups.map(({ silences }) =>
      [...new Set(silences.map(({ vm }) => `rack-${Number(vm.slice(1)) % 6}`))].toSorted(),
    );
    expect(groups.map(({ hosts }) => hosts)).toEqual(told);
    expect(new Set(told.flat()).size).toBe(6);
  });

  it('are grouped alike in whatever range they are asked for', async () => {
    const random = randomFrom(13);
    const expected = [...all].flatMap(([agent, silences]) => slowGroups(silences, STALENESS).map((group) => `${agent} ${group}`));
    const overlaps = (from: number, to: number) => (group: string) => {
      const [agent = '', ...members] = group.split(' ');
      return members.some((member) => {
        const one = all.get(agent)?.find(({ vm, startMs }) => member === `${vm}@${startMs - T0}`);
        return one !== undefined && one.startMs < to && (one.endMs ?? Infinity) > from;
      });
    };
    const ask = async (from: number, to: number) => (await silenceGroups(context, { fromMs: from, toMs: to })).map(({ agent, silences }) => `${agent} ${shown([silences])[0]}`); // prettier-ignore
    expect((await ask(T0, T0 + 40 * HOUR)).toSorted()).toEqual(expected.toSorted());
    expect(expected.some((group) => group.split(' ').length > 5)).toBe(true);
    for (let round = 0; round < 25; round += 1) {
      const from = T0 + random(31 * HOUR);
      const to = from + 1 + random(random(2) === 0 ? 1000 : 5 * HOUR);
      expect((await ask(from, to)).toSorted()).toEqual(expected.filter(overlaps(from, to)).toSorted());
    }
  });

  it('are found by their ids, which are each one group', async () => {
    const groups = await silenceGroups(context, { fromMs: T0, toMs: T0 + 3 * HOUR });
    expect(new Set(groups.map((each) => each.id)).size).toBe(groups.length);
    for (const group of groups.slice(0, 20)) expect(await silenceGroup(context, group.id)).toEqual(group);
    expect(await silenceGroup(context, 'nonsense')).toBeUndefined();
    expect(await silenceGroup(context, `${T0.toString(36)}-000000000000`)).toBeUndefined();
  });
});
