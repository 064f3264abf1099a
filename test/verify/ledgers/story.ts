import { below, pick, type Random, randomOf } from '../../support/random.ts';

/** What happens to an account, step by step: each is something that somebody, or a run, does. Steps stand for themselves, so that a story may be shortened. */
export type Step = { readonly cut?: Cut } & (
  | { readonly does: 'waits'; readonly hours: number }
  /** The next day is charged: what its VMs used, in cents. */
  | { readonly does: 'charges a day'; readonly used: readonly number[] }
  /** A day that was charged comes to something else. */
  | { readonly does: 'restates a day'; readonly nth: number; readonly used: readonly number[] }
  /** Days, and late fees, are rated again from the first on, as every run does. */
  | { readonly does: 'rates again' }
  | { readonly does: 'invoices'; readonly used: readonly number[]; readonly days: number; readonly isManual: boolean }
  | {
      readonly does: 'pays';
      readonly reference: string;
      readonly cents: number;
      readonly hoursAgo: number;
      readonly covers: Covers;
    }
  | { readonly does: 'tops up'; readonly cents: number; readonly hoursAgo: number; readonly lapsesInHours: number }
  | { readonly does: 'lets lapse' }
  | { readonly does: 'pays out'; readonly reference: string; readonly cents: number; readonly hoursAgo: number }
  | { readonly does: 'moves away'; readonly cents: number }
  | { readonly does: 'gives back'; readonly nth: number; readonly line: number; readonly cents: number }
  | { readonly does: 'corrects'; readonly nth: number; readonly line: number; readonly cents: number }
  | { readonly does: 'sends back'; readonly nth: number; readonly cents: number; readonly hoursAgo: number }
  | { readonly does: 'makes void'; readonly nth: number }
  | { readonly does: 'refunds'; readonly check: string; readonly vm: number; readonly cents: number }
  /** What a check found due is granted: once, with its credit notes and its tax. */
  | {
      readonly does: 'grants';
      readonly check: string;
      readonly vm: number;
      readonly cents: number;
      readonly isFull: boolean;
      readonly leaves: boolean;
      /** Kept for handling, in cents. */
      readonly handling: number;
    }
  | { readonly does: 'charges by hand'; readonly reference: string; readonly vm: number; readonly cents: number }
  | { readonly does: 'takes back a charge'; readonly nth: number }
  | { readonly does: 'suspends or resumes' }
);

/** What a payment is for: nothing, an invoice, or the nth term of five days of a VM. */
export type Covers = null | { readonly invoice: number } | { readonly vm: number; readonly term: number; readonly terms: number };

/** The process dies in an insert of the step: so many of its rows are there, and the step is done once more by another process. */
export interface Cut {
  readonly insert: number;
  readonly rows: number;
}

export const SHEETS = ['ipcats', 'cmivps-2019', 'cstserver-2022', 'internet-service', 'cloud-server-zh'] as const;

export interface Story {
  readonly seed: number;
  readonly sheet: (typeof SHEETS)[number];
  readonly taxPercent: number;
  /** Days are charged by themselves. */
  readonly isDaily: boolean;
  readonly steps: readonly Step[];
}

/** Some are payments' too. */
const HAND_REFERENCES = ['h1', 'h2', 'h3', 'r1'];
const REFERENCES = ['r1', 'r2', 'r3', 'r4', 'r5', 'r6'];

/** The story of a seed. */
export function storyOf(seed: number): Story {
  const random = randomOf(seed);
  const sheet = pick(random, SHEETS);
  const isDaily = sheet === 'internet-service' && random() < 0.75;
  const steps = Array.from({ length: 6 + below(random, 14) }, () => stepOf(random, isDaily));
  const cut = random() < 0.4 ? below(random, steps.length) : -1;
  return {
    seed,
    sheet,
    taxPercent: pick(random, [0, 6, 19]),
    isDaily,
    steps: steps.map((step, nth) => (nth === cut ? { ...step, cut: { insert: 1 + below(random, 2), rows: below(random, step.does === 'grants' ? 5 : 2) } } : step)),
  }; // prettier-ignore
}

function stepOf(random: Random, isDaily: boolean): Step {
  const cents = 1 + below(random, random() < 0.3 ? 12_000 : 3_000);
  const hoursAgo = pick(random, [0, 0, 5, 24, 24, 60, 150]);
  const nth = below(random, 4);
  const line = below(random, 4);
  const reference = pick(random, REFERENCES);
  const used = [300 + below(random, 900), pick(random, [0, 0, 250, 1_111]), pick(random, [0, 0, 77])];
  const steps: readonly (readonly [weight: number, step: Step])[] = [
    [2, { does: 'waits', hours: pick(random, [1, 24, 24, 50, 200]) }],
    [isDaily ? 9 : 0, { does: 'charges a day', used }],
    [isDaily ? 2 : 0, { does: 'restates a day', nth: below(random, 6), used }],
    [isDaily ? 3 : 1, { does: 'rates again' }],
    [isDaily ? 1 : 6, { does: 'invoices', used: used.map((each) => each * 7), days: pick(random, [0, 0, 3, 14]), isManual: random() < 0.15 }],
    [8, { does: 'pays', reference, cents, hoursAgo, covers: coversOf(random) }],
    [1, { does: 'tops up', cents, hoursAgo, lapsesInHours: pick(random, [10, 30, 100]) }],
    [2, { does: 'lets lapse' }],
    [2, { does: 'pays out', reference, cents, hoursAgo: pick(random, [0, 0, 24]) }],
    [1, { does: 'moves away', cents }],
    [isDaily ? 1 : 2, { does: 'gives back', nth, line, cents: Math.ceil(cents / 8) }],
    [isDaily ? 1 : 2, { does: 'corrects', nth, line, cents: Math.ceil(cents / 4) }],
    [2, { does: 'sends back', nth, cents: Math.ceil(cents / 3), hoursAgo }],
    [1, { does: 'makes void', nth }],
    [1, { does: 'refunds', check: pick(random, ['k1', 'k2', 'k3']), vm: below(random, 2), cents }],
    [3, { does: 'grants', check: pick(random, ['k1', 'k2', 'k3']), vm: below(random, 2), cents, isFull: random() < 0.4, leaves: random() < 0.4, handling: pick(random, [0, 0, 100]) }],
    [2, { does: 'charges by hand', reference: pick(random, HAND_REFERENCES), vm: below(random, 3), cents }],
    [1, { does: 'takes back a charge', nth }],
    [1, { does: 'suspends or resumes' }],
  ]; // prettier-ignore
  let at = random() * steps.reduce((sum, [weight]) => sum + weight, 0);
  for (const [weight, step] of steps) if ((at -= weight) < 0) return step;
  return { does: 'rates again' };
}

function coversOf(random: Random): Covers {
  const kind = random();
  if (kind < 0.4) return null;
  if (kind < 0.7) return { invoice: below(random, 3) };
  return { vm: below(random, 2), term: below(random, 4), terms: 1 + below(random, 2) };
}

/** A story as somebody tells it. */
export function told({ seed, sheet, isDaily, taxPercent, steps }: Story): string {
  const lines = steps.map(({ cut, does, ...rest }, nth) => {
    const what = Object.entries(rest).map(([name, value]) => `${name} ${JSON.stringify(value)}`);
    const died = cut === undefined ? '' : `, and dies in insert ${cut.insert} of it with ${cut.rows} rows written`;
    return `  ${nth + 1}. ${does}${what.length === 0 ? '' : ` (${what.join(', ')})`}${died}`;
  });
  return [`seed ${seed}: under ${sheet}${isDaily ? ', charged by the day' : ''}, ${taxPercent} % tax`, ...lines].join('\n');
}
