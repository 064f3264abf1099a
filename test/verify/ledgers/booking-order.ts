import { isDeepStrictEqual } from 'node:util';
import { toJson } from '../../../src/domain/json.ts';
import { DAY_MS } from '../../../src/domain/zone.ts';
import { below, pick, type Random, randomOf } from '../../support/random.ts';
import { START } from './documents.ts';
import { paidBy, Wrong } from './holds.ts';
import type { Covers, Step, Story } from './story.ts';
import { ACCOUNT, World } from './world.ts';

/** What happened to an account that is charged by the day, whenever it was booked. */
interface Facts {
  readonly days: readonly (readonly number[])[];
  /** Usage that came to something else. */
  readonly restated: readonly { readonly nth: number; readonly used: readonly number[] }[];
  readonly payments: readonly { readonly hour: number; readonly cents: number; readonly covers: Covers }[];
}

const HOUR_MS = 3_600_000;

function factsOf(random: Random): Facts {
  const used = (): number[] => [300 + below(random, 900), pick(random, [0, 250]), pick(random, [0, 77])];
  const days = Array.from({ length: 3 + below(random, 7) }, used);
  return {
    days,
    restated: Array.from({ length: below(random, 3) }, () => ({ nth: below(random, days.length), used: used() })),
    payments: Array.from({ length: 1 + below(random, 5) }, () => ({
      hour: below(random, days.length * 24 + 72),
      cents: 1 + below(random, 6_000),
      covers: random() < 0.8 ? null : { vm: below(random, 2), term: below(random, 2), terms: 1 },
    })),
  };
}

/**
 * The same days and payments, booked when they happened, and booked in any other order: days, and with them late fees, come to the same in the end, when
 * all have been rated again (SPEC §6b). Throws `Wrong`.
 */
export async function bookedInAnyOrder(seed: number): Promise<void> {
  const random = randomOf(seed);
  const story: Story = { seed, sheet: 'internet-service', taxPercent: pick(random, [0, 6]), isDaily: true, steps: [] };
  const facts = factsOf(random);
  const [inTime, late] = [await booked(story, facts, () => 0), await booked(story, facts, () => below(random, 10))];
  if (!isDeepStrictEqual(late, inTime))
    throw new Wrong(`seed ${seed}, ${toJson(facts)}: booked in time ${toJson(inTime)}, booked in another order ${toJson(late)}`);
}

/** @param delay by how many days each payment is booked late */
async function booked(story: Story, { days, restated, payments }: Facts, delay: () => number): Promise<unknown> {
  const world = await World.of(story);
  const open = payments.map((each, nth) => ({ ...each, nth, fromDay: Math.floor(each.hour / 24) + delay() }));
  const step = (does: Step): Promise<void> => world.step(does);
  for (let day = 0; day < days.length + 14; day += 1) {
    const used = days[day];
    if (used !== undefined) await step({ does: 'charges a day', used });
    else await step({ does: 'waits', hours: 24 });
    for (const { nth, hour, cents, covers, fromDay } of open) {
      if (fromDay !== day) continue;
      const hoursAgo = Math.round((world.now - START) / HOUR_MS) - hour;
      await step({ does: 'pays', reference: `p${nth}`, cents, hoursAgo, covers });
    }
    await step({ does: 'rates again' });
  }
  for (const { nth, used } of restated) await step({ does: 'restates a day', nth, used });
  for (let rows = -1; rows !== world.store.rows.length;) {
    rows = world.store.rows.length;
    await step({ does: 'rates again' });
  }
  const { allocation } = world.books.ledgerOf(ACCOUNT);
  const claims = allocation.claims.map((each) => ({ ...each, claim: { ...each.claim, id: `${(each.claim.fromMs - START) / DAY_MS}` } }));
  return [paidBy(claims), allocation.freeNanos, allocation.keptNanos];
} // prettier-ignore
