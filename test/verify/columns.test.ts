import { describe, expect, it } from 'vitest';
import { readMinutes, readSamples, readTraffic } from '../../src/verify/columns.ts';
import { ahead, partsOf } from '../../src/verify/slices.ts';

const MINUTE_MS = 60_000;

/** A line of samples, every 10 s from 1000 on. */
function line(changes: Record<string, unknown> = {}): string {
  return JSON.stringify({
    ...{ vm: 'v1', nic: 'eth0', rows: 3, first_ts: '1000', first_pos: '65536', first_rx_bytes: '7', first_tx_bytes: '0' },
    ...{ ts: [0, 10_000, 10_000], pos: [0, 65_536, 65_536], rx_bytes: [0, 5, 5], tx_bytes: [0, 0, 1] },
    ...{ condition: [0, 1, 0], has_counters: [1], epoch: [2], agents: ['h1', 'h2'], agent: [0, 1, 0], ...changes },
  });
}

describe('samples by the column', () => {
  it('are what each is more than the one before, and what all have in common is told once', () => {
    const { told, byVm } = readSamples(`${line()}\n`);
    expect(told).toBe(3);
    expect(byVm.get('v1')).toEqual([
      ...[
        { tsMs: 1_000, pos: 65_536, counters: { rx: 7n, tx: 0n }, condition: 'up', agent: 'h1' },
        { tsMs: 11_000, pos: 131_072, counters: { rx: 12n, tx: 0n }, condition: 'provider', agent: 'h2' },
        { tsMs: 21_000, pos: 196_608, counters: { rx: 17n, tx: 1n }, condition: 'up', agent: 'h1' },
      ].map((each) => ({ ...each, vm: 'v1', nic: 'eth0', epoch: 2, logIndex: each.pos })),
    ]);
  });

  it('of versions of one sample the latest in the log is in force, in whatever order they are told', () => {
    const { told, byVm } = readSamples(line({ ts: [0, 0, -500], pos: [0, 10, -3] }));
    expect(told).toBe(3);
    expect(byVm.get('v1')?.map(({ tsMs, pos }) => [tsMs, pos])).toEqual([
      [500, 65_543],
      [1_000, 65_546],
    ]);
  });

  it('counters and places of 64 bits are exact, also where they begin again', () => {
    const most = 2n ** 64n - 1n;
    // ClickHouse's differences are of 64 bits: 5 is six more than the most there is
    const text = line({ first_rx_bytes: String(most), rx_bytes: [0, 6, 0], first_pos: String(most - 9n) }).replace(
      '"tx_bytes":[0,0,1]',
      '"tx_bytes":[0,9007199254740993,-9007199254740992]',
    );
    const samples = readSamples(text).byVm.get('v1') ?? [];
    expect(samples.map(({ counters }) => counters?.rx)).toEqual([most, 5n, 5n]);
    expect(samples.map(({ counters }) => counters?.tx)).toEqual([0n, 9_007_199_254_740_993n, 1n]);
    expect(samples[0]?.pos).toBe(most - 9n);
  });

  it('without counters have none', () => {
    expect(readSamples(line({ has_counters: [0] })).byVm.get('v1')?.[0]?.counters).toBeNull();
  });

  it('of several interfaces come by time', () => {
    const { byVm } = readSamples(`${line()}\n${line({ nic: 'eth1', first_ts: '2000' })}\n`);
    expect(byVm.get('v1')?.map(({ tsMs, nic }) => `${tsMs} ${nic}`)).toEqual([
      ...['1000 eth0', '2000 eth1', '11000 eth0', '12000 eth1', '21000 eth0', '22000 eth1'],
    ]);
  });

  it.each<[string, string]>([
    ['a column that is too short', line({ epoch: [1, 2] })],
    ['differences that are too few', line({ ts: [0, 1] })],
    ['a number that is none', line({ rx_bytes: [0, 1.5, 0] })],
    ['an agent that is not named', line({ agent: [2] })],
    ['a condition that there is not', line({ condition: [10] })],
    ['no column at all', line({ pos: undefined })],
    ['what is no JSON', '<html>'],
  ])('%s is no answer of ours', (_, text) => {
    expect(() => readSamples(text)).toThrow('not answered as expected');
  });
});

it('minutes and traffic are told in minutes', () => {
  const parts = Object.fromEntries(
    ['provider', 'third_party', 'maintenance', 'force_majeure', 'attack', 'customer', 'arrears', 'silent'].map((name) => [
      ...[`${name}_ms`, [0]],
    ]),
  ) as object;
  const head = { vm: 'v1', rows: 2, first_minute: 10, minute: [0, 5] };
  const minutes = readMinutes(
    JSON.stringify({ ...head, ...parts, up_ms: [1, 2], unavailable: [0], credit_nanos: ['12345678901234567', 1] }),
  );
  expect(minutes.byVm.get('v1')).toEqual([
    { minuteMs: 10 * MINUTE_MS, partsMs: [1, 0, 0, 0, 0, 0, 0, 0, 0], unavailable: 0, creditNanos: 12_345_678_901_234_567n },
    { minuteMs: 15 * MINUTE_MS, partsMs: [2, 0, 0, 0, 0, 0, 0, 0, 0], unavailable: 0, creditNanos: 1n },
  ]);
  const traffic = readTraffic(JSON.stringify({ ...head, nic: 'eth0', rx_bytes: [7], tx_bytes: [0, 1] }));
  expect(traffic.byVm.get('v1')?.map(({ minuteMs, rxBytes, txBytes }) => [minuteMs / MINUTE_MS, rxBytes, txBytes])).toEqual([
    [10, 7n, 0n],
    [15, 7n, 1n],
  ]);
});

describe('a range in parts', () => {
  const minutes = (...[from, to, denseFrom, rows]: [number, number, number, number]): string[] =>
    partsOf({ fromMs: from * MINUTE_MS, toMs: to * MINUTE_MS }, denseFrom * MINUTE_MS, rows, 100).map(
      ({ fromMs, toMs }) => `${fromMs / MINUTE_MS}-${toMs / MINUTE_MS}`,
    );

  it.each<[string, [number, number, number, number], string[]]>([
    ['is one where all of it fits', [0, 1000, 900, 100], ['0-1000']],
    ['has what lies before the first sample with the first part', [0, 1000, 900, 250], ['0-934', '934-968', '968-1000']],
    ['begins where it is asked for', [950, 1000, 900, 150], ['950-975', '975-1000']],
    ['is never shorter than a minute', [0, 3, 0, 10_000], ['0-1', '1-2', '2-3']],
    ['of nothing is none', [5, 5, 0, 10], []],
    ['of a VM without anything is one', [0, 5, Infinity, 0], ['0-5']],
  ])('%s', (_, range, expected) => {
    expect(minutes(...range)).toEqual(expected);
  });

  it('the next is asked for while one is looked at, and a failure is told in its turn', async () => {
    const asked: number[] = [];
    async function* upTo(count: number): AsyncGenerator<number> {
      for (let i = 0; i < count; i += 1) {
        asked.push(i);
        if (i === 2) throw new Error('two');
        yield await Promise.resolve(i);
      }
    }
    const seen: [number, number][] = [];
    const all = async (): Promise<void> => {
      for await (const item of ahead(upTo(5))) {
        await new Promise(setImmediate);
        seen.push([item, asked.length]);
      }
    };
    await expect(all()).rejects.toThrow('two');
    expect(seen).toEqual([
      [0, 2],
      [1, 3],
    ]);
  });
});
