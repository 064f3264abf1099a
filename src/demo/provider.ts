/**
 * A month of a small provider: 12 customers, their VMs on two hosts and in two zones, outages of several causes, silences, an incident, invoices and
 * payments. The samples are made up, and go through the real door; all else is what the API is asked to do.
 */
import { sampleLine } from '../samples/reading.ts';
import type { Cause } from '../domain/condition.ts';
import { formatInstant } from '../domain/instant.ts';
import { MINUTE_MS } from '../domain/zone.ts';
import type { Uptally } from '../client/uptally.ts';

const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
/** The month, which has a change of the clock in Berlin, and some hours of the next: the end of March is over in every zone of ours. */
const FROM_MS = Date.UTC(2026, 1, 28, 12);
const UNTIL_MS = Date.UTC(2026, 3, 1, 6);
const STEP_MS = MINUTE_MS;
/** Lines of a post. */
const POST_LINES = 8_000;

/** Some time of a VM that is not up: of a cause, or without any sample. */
interface Trouble {
  readonly fromMs: number;
  readonly toMs: number;
  readonly is: Cause | 'silent';
}

interface PlayedVm {
  readonly name: string;
  readonly account: string;
  readonly plan: string;
  readonly host: 'taipei' | 'berlin';
  readonly startsMs: number;
  readonly endsMs: number | null;
  /** Bytes a minute, of the one way and of the other. */
  readonly rx: number;
  readonly tx: number;
  readonly troubles: readonly Trouble[];
}

const at = (day: number, hour: number, minute = 0): number => Date.UTC(2026, 2, day, hour, minute);
const spell = (is: Trouble['is'], fromMs: number, minutes: number): Trouble => ({
  is,
  fromMs,
  toMs: fromMs + minutes * MINUTE_MS,
});

/** Host berlin loses its network for 20 minutes: its agent says nothing, and nobody knows how its VMs were. */
const LOST = spell('silent', at(19, 3, 10), 20);
/** Announced, and carried out in the night of Taipei. */
const WORK = spell('provider', at(11, 18), 45);
const MONTH_MS = Date.UTC(2026, 2, 1) - 8 * HOUR_MS;

const NAMES = [
  ['acme', 'Acme Trading Ltd', 'en'],
  ['birch', 'Birch & Sons', 'en'],
  ['chenxi', '晨曦網路有限公司', 'zh-Hant'],
  ['dahua', '大华数据有限公司', 'zh-Hans'],
  ['elbe', 'Elbe Logistik GmbH', 'en'],
  ['fjord', 'Fjord Analytics', 'en'],
  ['ginkgo', 'Ginkgo Games', 'en'],
  ['havel', 'Havel Medien GmbH', 'en'],
  ['island', 'Island Hosting Resellers', 'en'],
  ['jade', '玉山科技', 'zh-Hant'],
  ['kumo', 'Kumo Cloud KK', 'en'],
  ['linden', 'Linden Verlag', 'en'],
] as const;

const EUROPEAN = new Set(['elbe', 'fjord', 'havel', 'linden']);

function vmOf(account: string, i: number): PlayedVm {
  const isEuropean = EUROPEAN.has(account);
  const host = isEuropean ? 'berlin' : 'taipei';
  const usual: Trouble[] = [isEuropean ? LOST : WORK];
  const own: readonly (readonly Trouble[])[] = [
    [spell('provider', at(3, 6, 12), 47), spell('provider', at(17, 23, 50), 25)],
    [spell('customer', at(8, 9), 90)],
    [spell('attack', at(21, 14, 3), 38)],
    [spell('third_party', at(5, 1, 30), 12)],
    [spell('provider', at(29, 0, 40), 50)],
    [],
    [spell('force_majeure', at(14, 20), 130)],
    [spell('provider', at(29, 1, 15), 15)],
    [spell('provider', at(24, 4), 7), spell('provider', at(24, 9), 3)],
    [spell('silent', at(26, 12), 35)],
    [],
    [spell('maintenance', at(22, 2), 60)],
  ];
  return {
    ...{ name: `${account}-web`, account, plan: isEuropean ? 'eu-small' : 'small', host, startsMs: MONTH_MS, endsMs: null },
    ...{ rx: 2_400_000 + i * 310_007, tx: 5_100_000 + i * 1_700_003 },
    troubles: [...usual, ...(own[i] ?? [])],
  };
}

/** Whatever does not fit one VM a customer: one that starts, one that ends, and two that are down as the story ends. */
const OTHERS: readonly PlayedVm[] = [
  {
    ...{
      name: 'acme-db',
      account: 'acme',
      plan: 'small',
      host: 'taipei',
      startsMs: at(10, 4),
      endsMs: null,
      rx: 900_000,
      tx: 700_000,
    },
    troubles: [WORK, spell('provider', UNTIL_MS - 3 * HOUR_MS - 17 * MINUTE_MS, 100_000)],
  },
  {
    ...{
      name: 'birch-old',
      account: 'birch',
      plan: 'small',
      host: 'taipei',
      startsMs: MONTH_MS,
      endsMs: at(20, 16),
      rx: 300_000,
      tx: 1_100_000,
    },
    troubles: [WORK],
  },
  {
    ...{
      name: 'kumo-edge',
      account: 'kumo',
      plan: 'small',
      host: 'taipei',
      startsMs: MONTH_MS,
      endsMs: null,
      rx: 7_000_000,
      tx: 31_000_000,
    },
    troubles: [WORK, spell('provider', UNTIL_MS - 40 * MINUTE_MS, 100_000)],
  },
];

const FLEET: readonly PlayedVm[] = [...NAMES.map(([account], i) => vmOf(account, i)), ...OTHERS];

/** The samples of a VM, one a minute, as lines of NDJSON. */
function* samplesOf(vm: PlayedVm, untilMs: number): Generator<string> {
  let rx = 10_000n;
  let tx = 20_000n;
  const from = Math.max(FROM_MS, vm.startsMs);
  const to = Math.min(untilMs, vm.endsMs ?? untilMs);
  for (let atMs = from; atMs <= to; atMs += STEP_MS) {
    const trouble = vm.troubles.find(({ fromMs, toMs }) => atMs >= fromMs && atMs < toMs);
    // by day more than by night, the same in every run
    const wave = 1 + Math.abs(((Math.floor(atMs / HOUR_MS) * 7) % 24) - 12);
    if (trouble === undefined) {
      rx += BigInt(Math.floor((vm.rx * wave) / 6));
      tx += BigInt(Math.floor((vm.tx * wave) / 6));
    }
    if (trouble?.is === 'silent') continue;
    yield sampleLine(atMs, {
      ...{ vm: vm.name, nic: 'eth0', host: vm.host, counters: { rxBytes: rx, txBytes: tx, epoch: 1 } },
      downCause: trouble?.is ?? null,
    });
  }
}

/** Posts samples in the order in which they were taken, as an agent does. */
async function post(send: PostLines, key: string, fleet: readonly PlayedVm[], untilMs: number): Promise<number> {
  let count = 0;
  // a day of all, VM by VM within it: no sample is much later than another
  const each = fleet.map((vm) => ({ lines: samplesOf(vm, untilMs), next: undefined as string | undefined }));
  let batch: string[] = [];
  const flush = async (): Promise<void> => {
    if (batch.length > 0) await send(key, batch);
    count += batch.length;
    batch = [];
  };
  for (let dayMs = FROM_MS; dayMs <= untilMs; dayMs += HOUR_MS) {
    for (const one of each) {
      for (;;) {
        one.next ??= one.lines.next().value ?? undefined;
        if (one.next === undefined) break;
        const ts = Number(/"ts":(\d+)/.exec(one.next)?.[1]);
        if (ts >= dayMs + HOUR_MS) break;
        batch.push(one.next);
        one.next = undefined;
      }
    }
    if (batch.length >= POST_LINES) await flush();
  }
  await flush();
  return count;
}

/** Posts lines of NDJSON with a key; resolves when they are taken. */
export type PostLines = (key: string, lines: readonly string[]) => Promise<void>;

export interface Provided {
  readonly samples: number;
  readonly vms: number;
  readonly accounts: number;
}

export interface ProviderOptions {
  readonly uptally: Uptally;
  readonly send: PostLines;
  /** Resolves when all that was posted is in the answers. */
  readonly stored: () => Promise<void>;
  /** Some of the customers only; all if left out. */
  readonly only?: readonly string[];
}

/** Plays the month on a server with `UPTALLY_CLOCK=event` and nothing in it. */
export async function playProvider({ uptally, send, stored, only }: ProviderOptions): Promise<Provided> {
  const names = NAMES.filter(([id]) => only?.includes(id) ?? true);
  const fleet = FLEET.filter(({ account }) => names.some(([id]) => id === account));
  const traffic = {
    ...{ counting: 'sum', included_bytes: 2_000_000_000_000, unit_bytes: 1_000_000_000, round_up: false, mode: 'graduated' },
    tiers: [
      { up_to: 500, price: '0.10' },
      { up_to: null, price: '0.05' },
    ],
  };
  const plan = { price: { amount: '300.00', per: 'month' }, creditable: ['provider'], traffic };
  await uptally.plans.put('small', {
    ...plan,
    title: 'Small',
    currency: 'CNY',
    time_zone: 'Asia/Taipei',
    terms: 'internet-service',
  });
  await uptally.plans.put('eu-small', {
    ...{ ...plan, price: { amount: '39.00', per: 'month' }, title: 'EU small', currency: 'EUR', time_zone: 'Europe/Berlin' },
  });
  for (const [id, name, language] of names) {
    const money = EUROPEAN.has(id) ? { currency: 'EUR', tax_percent: '19' } : { currency: 'CNY', tax_percent: '6' };
    await uptally.accounts.put(id, { name, language, ...money });
  }
  for (const { name, account, plan: id, startsMs, endsMs } of fleet) {
    const plans = [{ plan: id, from: formatInstant(startsMs) }];
    const ends = endsMs === null ? {} : { ends_at: formatInstant(endsMs) };
    await uptally.vms.put(name, {
      account,
      plans,
      starts_at: formatInstant(startsMs),
      ...ends,
      paid_amount: '300.00',
      paid_at: formatInstant(startsMs),
    });
  }
  let samples = 0;
  for (const host of ['taipei', 'berlin'] as const) {
    const { key } = await uptally.keys.create({ role: 'agent', name: `host-${host}`, vms: ['*'] });
    samples += await post(
      send,
      key,
      fleet.filter((vm) => vm.host === host),
      UNTIL_MS,
    );
  }
  await stored();
  await uptally.incidents.record({
    ...{ scope: { agent: 'host-taipei' }, from: formatInstant(WORK.fromMs), to: formatInstant(WORK.toMs), cause: 'maintenance' },
    ...{ note: 'firmware of the switches, announced a week before', announced_at: formatInstant(WORK.fromMs - 7 * DAY_MS) },
  });
  await bill(
    uptally,
    names.map(([id]) => id),
  );
  return { samples, vms: fleet.length, accounts: names.length };
}

/** The invoices of March: most are final, one is paid, some are drafts still. */
async function bill(uptally: Uptally, accounts: readonly string[]): Promise<void> {
  const drafts = accounts.slice(-4);
  const finals = accounts.filter((id) => !drafts.includes(id));
  const common = { period: '2026-03', withoutIssuer: true, allowIncomplete: true };
  for await (const outcome of uptally.invoices.run({ ...common, accounts: finals, finalize: true })) {
    if (outcome.account === 'acme' && outcome.total !== null)
      await uptally.call('POST', '/v1/accounts/acme/payments', {
        body: { reference: 'wire-2026-04-01', amount: outcome.total, at: formatInstant(UNTIL_MS - HOUR_MS) },
      });
  }
  for await (const { outcome, account, reason } of uptally.invoices.run({ ...common, accounts: drafts }))
    if (outcome === 'failed') throw new Error(`${account} has no draft: ${reason ?? ''}`);
}
