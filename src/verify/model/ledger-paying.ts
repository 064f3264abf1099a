/**
 * Which money pays what (SPEC §6b), worked through instant by instant: at each all that had come by then is looked at anew. What has paid something stays
 * there unless it is owed less, or the money is gone.
 */

/** What is owed: an invoice, as far as its days were not charged by themselves, or a day. */
export interface ModelClaim {
  readonly id: string;
  readonly atMs: number;
  readonly dueAtMs: number;
  /** What bears a late fee is paid first. */
  readonly principalNanos: bigint;
  readonly feeNanos: bigint;
  readonly fromMs: number;
  readonly toMs: number;
  /** How much of it is whose; null: each VM's may be all of it. */
  readonly shares: ReadonlyMap<string, bigint> | null;
  readonly isManual: boolean;
  /** The currency's minor unit: of a share only whole ones are paid by its term. */
  readonly unitNanos: bigint;
  /** The local day that it charges; null: it is an invoice. */
  readonly day: string | null;
}

export interface ModelTerm {
  readonly vm: string;
  readonly fromMs: number;
  readonly untilMs: number;
  /** Of money that a refund frees: when the service ended, behind which nothing of the term is charged. */
  readonly endsMs?: number;
}

export interface ModelFund {
  readonly atMs: number;
  readonly nanos: bigint;
  /** null: it is free. */
  readonly covers: { readonly claim: string } | ModelTerm | null;
}

export interface ModelPaid {
  readonly claim: ModelClaim;
  readonly paidNanos: bigint;
  readonly unpaidNanos: bigint;
  /** How the principal was covered, and when. */
  readonly payments: readonly { readonly atMs: number; readonly amountNanos: bigint }[];
}

export interface ModelPaying {
  /** What is due first stands first. */
  readonly claims: readonly ModelPaid[];
  readonly freeNanos: bigint;
  /** For terms that are not charged to their end, and for what is charged later. */
  readonly keptNanos: bigint;
}

/** Where money of a claim is from: what covers it, a term, or what was free. */
type Source = 'own' | 'free' | ModelTerm;

interface Owed {
  readonly claim: ModelClaim;
  /** By source: of a term by its key. */
  readonly by: Map<string, bigint>;
  readonly payments: { atMs: number; amountNanos: bigint }[];
}

const least = (...of: readonly bigint[]): bigint => of.reduce((a, b) => (a < b ? a : b));
const positive = (nanos: bigint): bigint => (nanos > 0n ? nanos : 0n);
const total = (nanos: readonly bigint[]): bigint => nanos.reduce((a, b) => a + b, 0n);
const keyOf = (source: Source): string =>
  typeof source === 'string' ? source : `term ${source.vm} ${source.fromMs} ${source.untilMs}`;

const wholeOf = ({ claim }: Owed): bigint => claim.principalNanos + claim.feeNanos;
const paidOf = ({ by }: Owed): bigint => total([...by.values()]);
const openOf = (owed: Owed): bigint => wholeOf(owed) - paidOf(owed);
const from = (owed: Owed, source: Source): bigint => owed.by.get(keyOf(source)) ?? 0n;

function give(owed: Owed, source: Source, nanos: bigint): void {
  owed.by.set(keyOf(source), from(owed, source) + nanos);
}

/** What is due first; of those the one that was there first. */
export function dueFirst(a: ModelClaim, b: ModelClaim): number {
  if (a.dueAtMs !== b.dueAtMs) return a.dueAtMs - b.dueAtMs;
  if (a.atMs !== b.atMs) return a.atMs - b.atMs;
  return a.id < b.id ? -1 : 1;
}

/** The terms that money came for, in the order in which they pay: what ends first is used first. */
function termsIn(funds: readonly ModelFund[]): ModelTerm[] {
  const terms = new Map<string, ModelTerm>();
  for (const { covers } of funds) if (covers !== null && 'vm' in covers) terms.set(keyOf(covers), covers);
  return [...terms.values()].sort(
    (a, b) => a.untilMs - b.untilMs || a.fromMs - b.fromMs || (a.vm < b.vm ? -1 : a.vm > b.vm ? 1 : 0),
  );
}

/** What pays which claims at an instant. */
export function modelPaying(
  claims: readonly ModelClaim[],
  funds: readonly ModelFund[],
  untilMs = Number.POSITIVE_INFINITY,
): ModelPaying {
  const owed = claims
    .filter(({ atMs }) => atMs <= untilMs)
    .sort(dueFirst)
    .map((claim): Owed => ({ claim, by: new Map(), payments: [] }));
  const moments = [...new Set([...claims, ...funds].map(({ atMs }) => atMs))].filter((atMs) => atMs <= untilMs);
  let end: Omit<ModelPaying, 'claims'> = { freeNanos: 0n, keptNanos: 0n };
  for (const atMs of moments.sort((a, b) => a - b)) {
    const there = owed.filter(({ claim }) => claim.atMs <= atMs);
    end = moment(there, funds.filter((fund) => fund.atMs <= atMs)); // prettier-ignore
    for (const each of there) {
      const covered = least(paidOf(each), each.claim.principalNanos);
      const more = covered - total(each.payments.map(({ amountNanos }) => amountNanos));
      if (more !== 0n) each.payments.push({ atMs, amountNanos: more });
    }
  }
  return {
    claims: owed.map((each) => ({
      ...{ claim: each.claim, paidNanos: paidOf(each), unpaidNanos: openOf(each), payments: each.payments },
    })),
    ...end,
  };
}

/** One instant: `there` is owed by then, due first first, and `came` is all the money that came by then. */
function moment(there: readonly Owed[], came: readonly ModelFund[]): { freeNanos: bigint; keptNanos: bigint } {
  const terms = termsIn(came);
  const claimed = new Map<string, bigint>();
  for (const { covers, nanos } of came)
    if (covers !== null && 'claim' in covers) claimed.set(covers.claim, (claimed.get(covers.claim) ?? 0n) + nanos);
  let free = total(came.filter(({ covers }) => covers === null).map(({ nanos }) => nanos));
  // What covers a claim pays it before all other money, which then goes: what was free first, then what may be kept longest.
  for (const each of there) {
    const own = claimed.get(each.claim.id) ?? 0n;
    each.by.set('own', least(positive(own), wholeOf(each)));
    free += own - from(each, 'own');
    for (const source of ['free', ...terms.toReversed()] as Source[])
      give(each, source, -least(from(each, source), positive(-openOf(each))));
  }
  // What covers something that is not charged yet waits for it.
  let kept = total([...claimed].filter(([id]) => !there.some(({ claim }) => claim.id === id)).map(([, nanos]) => nanos)); // prettier-ignore
  for (const term of terms) {
    const has = total(came.flatMap(({ covers, nanos }) => (covers !== null && keyOf(term) === coversKey(covers) ? [nanos] : [])));
    let rest = has - total(there.map((each) => from(each, term)));
    rest = takeBack(there, term, rest);
    for (const each of there) {
      const { claim } = each;
      if (claim.toMs <= term.fromMs || claim.fromMs >= term.untilMs) continue;
      const ofVm = terms.filter(({ vm }) => vm === term.vm).map((other) => from(each, other));
      const exact = claim.shares === null ? wholeOf(each) : (claim.shares.get(term.vm) ?? 0n);
      const share = (exact / claim.unitNanos) * claim.unitNanos;
      const more = positive(least(rest, openOf(each), share - total(ofVm)));
      give(each, term, more);
      rest -= more;
    }
    const isCharged = there.some(
      ({ claim }) => (claim.shares === null || claim.shares.has(term.vm)) && claim.toMs >= endOf(term, came),
    );
    if (isCharged || rest < 0n) free += rest;
    else kept += rest;
  }
  free -= total(there.map((each) => from(each, 'free')));
  free = takeBack(there, 'free', free);
  for (const each of there) {
    if (each.claim.isManual) continue;
    const more = positive(least(free, openOf(each)));
    give(each, 'free', more);
    free -= more;
  }
  return { freeNanos: free, keptNanos: kept };
}

/** Up to where a term is waited for: its end, or that of the service. */
function endOf(term: ModelTerm, came: readonly ModelFund[]): number {
  const ends = came.flatMap(({ covers }) =>
    covers !== null && 'vm' in covers && keyOf(covers) === keyOf(term) ? (covers.endsMs ?? []) : [],
  );
  return Math.min(term.untilMs, ...ends);
}

function coversKey(covers: NonNullable<ModelFund['covers']>): string | undefined {
  return 'vm' in covers ? keyOf(covers) : undefined;
}

/** Money that is not there any more is taken from what is due last. What is still lacking then, or else is left. */
function takeBack(there: readonly Owed[], source: Source, rest: bigint): bigint {
  let left = rest;
  for (const each of there.toReversed()) {
    const back = least(from(each, source), positive(-left));
    give(each, source, -back);
    left += back;
  }
  return left;
}
