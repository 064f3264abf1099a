import { expect, it } from 'vitest';
import { unit, dayCharge } from '../../src/domain/credit.ts';
import type { Plan } from '../../src/domain/plan.ts';
import { localDay, zoneOf } from '../../src/domain/zone.ts';
import { Kernel } from '../../src/kernel/kernel.ts';
import { LAYOUT as L } from '../../src/kernel/layout.ts';
import { Pricing, internVm } from '../../src/aggregate/pricing.ts';
import type { Store } from '../../src/store/store.ts';
import { unitNanos } from '../../src/verify/model/credit.ts';
import { below, pick, randomOf } from '../support/random.ts';

const ZONES = [
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'Asia/Taipei',
  'Australia/Lord_Howe',
  'Asia/Kathmandu',
  'America/Havana',
  // They went over the date line: a day of theirs never was.
  'Pacific/Apia',
  'Pacific/Fakaofo',
  'Pacific/Kwajalein',
  'Pacific/Kiritimati',
  'Pacific/Kanton',
  // Midnight skipped, and gone back over a minute after it.
  'America/Sao_Paulo',
  'America/St_Johns',
];
/** Where dates run backwards, which the model does not know. */
const BACKWARDS = 'America/St_Johns';
const PER = ['month', 'day', 'hour'] as const;
/** Days around which clocks change in one zone or another. */
const DAYS = [
  '2026-03-29',
  '2025-10-26',
  '2025-11-02',
  '2026-03-08',
  '2026-04-05',
  '2025-10-05',
  '2026-02-28',
  '2024-02-29',
  '2026-12-31',
  '2011-12-30',
  '2011-12-02',
  '1993-08-21',
  '1993-08-05',
  '1994-12-31',
  '1995-01-02',
  '2018-11-04',
  '2006-10-29',
  '1988-10-30',
];

function money(nanos: bigint): string {
  const text = nanos.toString().padStart(10, '0');
  return `${text.slice(0, -9)}.${text.slice(-9)}`;
}

it('prices a minute as the domain and the model do, in every zone and on days of every length', async () => {
  const random = randomOf(7);
  const plans = ZONES.flatMap((timeZone) =>
    PER.map((per) => ({
      id: `${per}-${ZONES.indexOf(timeZone)}`,
      timeZone,
      per,
      nanos: BigInt(below(random, 2 ** 50)) * BigInt(1 + below(random, 80)),
    })),
  );
  const entries = [
    ...plans.map(({ id, timeZone, per, nanos }, i) => ({
      kind: 'plan',
      name: id,
      n: '1',
      last: String(i + 1),
      at: '0',
      by: 'test',
      latest: JSON.stringify({ currency: 'CNY', time_zone: timeZone, price: { amount: money(nanos), per } }),
    })),
    ...plans.map(({ id }, i) => ({
      kind: 'vm',
      name: id,
      n: '1',
      last: String(plans.length + i + 1),
      at: '0',
      by: 'test',
      latest: JSON.stringify([{ plan: id, from: 0 }]),
    })),
  ];
  const pricing = new Pricing({ rows: () => Promise.resolve(entries) } as unknown as Store);
  await pricing.refresh();
  const kernel = new Kernel({
    vms: 100,
    nics: 10,
    plans: 100,
    phases: 1000,
    inputBytes: 65536,
    framesBytes: 64,
    outputBytes: 65536,
  });
  pricing.writeAll(kernel);
  const parts = kernel.u32(L.H_INPUT) + 1024;
  for (let i = 0; i < 12_000; i++) {
    const { id, timeZone, per, nanos } = pick(random, plans);
    const minute = Date.parse(`${pick(random, DAYS)}T00:00:00Z`) / 60_000 + below(random, 4320) - 1440;
    const slot = internVm(kernel, id);
    for (let part = 0; part < 9; part++) kernel.view.setUint16(parts + 2 * part, part === 1 ? 1 : 0, true);
    kernel.exports.writeMinute(slot, minute, parts);
    const row = Buffer.from(kernel.drain('uptime'));
    const credit = row.readBigUInt64LE(1 + id.length + 23);
    const zone = zoneOf(timeZone);
    if (zone === undefined) throw new Error(`no zone ${timeZone}`);
    const plan: Plan = { id, currency: 'CNY', zone, priceNanos: nanos, per, creditable: new Set([1]) };
    const day = localDay(zone, minute);
    expect([id, minute, credit]).toEqual([id, minute, unit(dayCharge(plan, day), day.minutes, minute - day.startMinute)]);
    if (timeZone === BACKWARDS) continue;
    expect(credit).toBe(unitNanos({ timeZone, price: { amountNanos: nanos, per }, creditable: ['provider'] }, minute * 60_000));
  }
});
