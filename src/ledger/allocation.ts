/**
 * Which money pays what. A pure function of what was owed from when, and of what was paid by which instant: in whatever order that was
 * recorded, the answer is the same. It is worked through by business time. What has paid a claim stays there; it is taken back only where
 * the claim shrinks or the money itself leaves.
 */

/** What an account owes: the part of an invoice that its days have not charged, or a day. */
export interface Claim {
  readonly id: string;
  /** From when it is there to be paid. */
  readonly atMs: number;
  readonly dueAtMs: number;
  /** The part that bears a late fee: it is paid first. */
  readonly principalNanos: bigint;
  readonly feeNanos: bigint;
  /** The time that it is about. */
  readonly fromMs: number;
  readonly toMs: number;
  /** How much of it, tax included, is whose; undefined: not known, each VM's may be all of it. */
  readonly shares: ReadonlyMap<string, bigint> | undefined;
  /** The currency's minor unit: a VM's share of the tax is rounded to the nano, and what pays it has to be money that can be told. Left out: a nano. */
  readonly unitNanos?: bigint;
  /** Whether free money pays it; else only money that covers it does. */
  readonly isAutomatic: boolean;
  /** Whether it is a day that is charged to money which is there in advance. */
  readonly isDay: boolean;
}

/** A term of a VM that was paid in advance. */
export interface Term {
  readonly vm: string;
  readonly fromMs: number;
  readonly untilMs: number;
  /** Of money that a refund frees: when the service ended, so that what is left of the term waits for no claim behind that. */
  readonly endsMs?: number;
}

/** What of a term was paid, and how much of that has paid claims. */
export interface TermPaid extends Term {
  readonly nanos: bigint;
  readonly usedNanos: bigint;
}

/** Money that came, or left (below 0). */
export interface Fund {
  readonly atMs: number;
  readonly amountNanos: bigint;
  /** What it covers, and is kept for: a claim, or a VM's term; null: it is free. */
  readonly covers: { readonly claim: string } | Term | null;
}

/** A claim and what paid it. */
export interface Paid {
  readonly claim: Claim;
  readonly paidNanos: bigint;
  readonly unpaidNanos: bigint;
  /** When how much of the principal was covered; below 0 where money was taken away again. */
  readonly payments: readonly { readonly atMs: number; readonly amountNanos: bigint }[];
  /** When it was paid in full, and has been since; null: it is not. */
  readonly paidAtMs: number | null;
}

export interface Allocation {
  /** In the order in which they fall due. */
  readonly claims: readonly Paid[];
  readonly byId: ReadonlyMap<string, Paid>;
  /** Money that pays nothing and is kept for nothing. */
  readonly freeNanos: bigint;
  readonly terms: readonly TermPaid[];
  /** Money that is kept: for terms that are not invoiced yet, or for documents that are not there yet. */
  readonly keptNanos: bigint;
  /** What was there for days to come, from instant to instant: free money, less days that are not paid. */
  readonly ahead: readonly { readonly atMs: number; readonly nanos: bigint }[];
}

interface Held {
  readonly claim: Claim;
  readonly totalNanos: bigint;
  bound: bigint;
  readonly terms: Map<TermPool, bigint>;
  free: bigint;
  covered: bigint;
  readonly payments: { atMs: number; amountNanos: bigint }[];
  paidAtMs: number | null;
}

interface TermPool extends Term {
  /** What was paid for it, less what was freed or went back. */
  nanos: bigint;
  used: bigint;
  endsMs?: number;
}

const least = (a: bigint, b: bigint): bigint => (a < b ? a : b);
const notBelow0 = (value: bigint): bigint => (value < 0n ? 0n : value);

/** Of terms that both may pay something that one is used first which ends first: the other may be kept longer. */
function compareTerms(a: Term, b: Term): number {
  return a.untilMs - b.untilMs || a.fromMs - b.fromMs || (a.vm < b.vm ? -1 : a.vm > b.vm ? 1 : 0);
}

export function termKey({ vm, fromMs, untilMs }: Term): string {
  return `${vm} ${fromMs} ${untilMs}`;
}

function termsPaid({ terms }: Held): bigint {
  let sum = 0n;
  for (const nanos of terms.values()) sum += nanos;
  return sum;
}

const paidOf = (held: Held): bigint => held.bound + termsPaid(held) + held.free;
const unpaidOf = (held: Held): bigint => held.totalNanos - paidOf(held);

export function compareDue(a: Claim, b: Claim): number {
  return a.dueAtMs - b.dueAtMs || a.atMs - b.atMs || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
}

/** What pays which claims at an instant (infinity: by all there is). Claims and money of later instants take no part. */
export function allocate(claims: readonly Claim[], funds: readonly Fund[], untilMs = Infinity): Allocation {
  const steps = new Map<number, { claims: Claim[]; funds: Fund[] }>();
  const stepAt = (atMs: number) => {
    const step = steps.get(atMs) ?? { claims: [], funds: [] };
    steps.set(atMs, step);
    return step;
  };
  for (const claim of claims) if (claim.atMs <= untilMs) stepAt(claim.atMs).claims.push(claim);
  for (const fund of funds) if (fund.atMs <= untilMs) stepAt(fund.atMs).funds.push(fund);
  const work = new Work();
  for (const [atMs, step] of [...steps].sort(([a], [b]) => a - b)) work.step(atMs, step.claims, step.funds);
  return work.result();
}

class Work {
  readonly #held = new Map<string, Held>();
  /** In the order in which they fall due. */
  readonly #known: Held[] = [];
  readonly #pools = new Map<string, bigint>();
  readonly #terms = new Map<string, TermPool>();
  /** In the order in which they pay. */
  #inTurn: TermPool[] = [];
  /** So many of the first ones are paid. */
  #paidFirst = 0;
  /** By VM: until when claims have charged it; of claims that do not say whose they are, all of them. */
  readonly #chargedTo = new Map<string, number>();
  #allChargedTo = -Infinity;
  #free = 0n;
  #freeUsed = 0n;
  /** Of money for claims that are there: what they do not need. */
  #surplus = 0n;
  readonly #ahead: { atMs: number; nanos: bigint }[] = [];

  step(atMs: number, claims: readonly Claim[], funds: readonly Fund[]): void {
    const touched = new Set<Held>();
    for (const claim of claims) touched.add(this.#add(claim));
    for (const { amountNanos, covers } of funds) {
      if (covers === null) this.#free += amountNanos;
      else if ('claim' in covers) {
        const held = this.#held.get(covers.claim);
        this.#pools.set(covers.claim, (this.#pools.get(covers.claim) ?? 0n) + amountNanos);
        if (held === undefined) continue;
        this.#surplus += amountNanos;
        touched.add(held);
      } else {
        const key = termKey(covers);
        const known = this.#terms.get(key);
        const pool = known ?? { ...covers, nanos: 0n, used: 0n };
        pool.nanos += amountNanos;
        if (covers.endsMs !== undefined) pool.endsMs = Math.min(covers.endsMs, pool.endsMs ?? covers.untilMs);
        this.#terms.set(key, pool);
        if (known === undefined) this.#inTurn = [...this.#inTurn, pool].sort(compareTerms);
      }
    }
    for (const held of touched) this.#bind(held);
    // What was paid may be so no longer.
    if (funds.some((fund) => fund.amountNanos < 0n)) this.#paidFirst = 0;
    for (const pool of this.#inTurn) this.#payFromTerm(pool, touched);
    this.#payFree(touched);
    for (const held of touched) note(held, atMs);
    let nanos = this.#unused();
    for (let i = this.#paidFirst; i < this.#known.length; i += 1) {
      const held = this.#known[i];
      if (held?.claim.isDay === true) nanos -= unpaidOf(held);
    }
    this.#ahead.push({ atMs, nanos });
  }

  #add(claim: Claim): Held {
    const held: Held = {
      claim,
      totalNanos: claim.principalNanos + claim.feeNanos,
      ...{ bound: 0n, free: 0n, covered: 0n, terms: new Map(), payments: [], paidAtMs: null },
    };
    this.#held.set(claim.id, held);
    let at = this.#known.length;
    while (at > 0 && compareDue(this.#known[at - 1]?.claim ?? claim, claim) > 0) at -= 1;
    this.#known.splice(at, 0, held);
    this.#paidFirst = Math.min(this.#paidFirst, at);
    this.#surplus += this.#pools.get(claim.id) ?? 0n;
    if (claim.shares === undefined) this.#allChargedTo = Math.max(this.#allChargedTo, claim.toMs);
    for (const vm of claim.shares?.keys() ?? [])
      this.#chargedTo.set(vm, Math.max(this.#chargedTo.get(vm) ?? -Infinity, claim.toMs));
    return held;
  }

  /** Money that covers a claim pays it before any other. */
  #bind(held: Held): void {
    const bound = least(notBelow0(this.#pools.get(held.claim.id) ?? 0n), held.totalNanos);
    this.#surplus -= bound - held.bound;
    held.bound = bound;
    let over = notBelow0(paidOf(held) - held.totalNanos);
    const back = least(over, held.free);
    held.free -= back;
    this.#freeUsed -= back;
    over -= back;
    for (const pool of over > 0n ? this.#inTurn.toReversed() : []) {
      const nanos = held.terms.get(pool) ?? 0n;
      const less = least(over, nanos);
      if (less === 0n) continue;
      held.terms.set(pool, nanos - less);
      pool.used -= less;
      over -= less;
    }
  }

  #payFromTerm(pool: TermPool, touched: Set<Held>): void {
    if (pool.used > pool.nanos) {
      for (const held of this.#known.toReversed()) {
        const back = least(pool.used - pool.nanos, held.terms.get(pool) ?? 0n);
        if (back <= 0n) continue;
        held.terms.set(pool, (held.terms.get(pool) ?? 0n) - back);
        pool.used -= back;
        touched.add(held);
      }
    }
    if (pool.used >= pool.nanos) return;
    for (const held of this.#known) {
      const { claim } = held;
      if (claim.fromMs >= pool.untilMs || claim.toMs <= pool.fromMs) continue;
      const exact = claim.shares === undefined ? held.totalNanos : (claim.shares.get(pool.vm) ?? 0n);
      const share = exact - (exact % (claim.unitNanos ?? 1n));
      const open = least(unpaidOf(held), share - this.#paidForVm(held, pool.vm));
      const more = least(pool.nanos - pool.used, open);
      if (more <= 0n) continue;
      held.terms.set(pool, (held.terms.get(pool) ?? 0n) + more);
      pool.used += more;
      touched.add(held);
    }
  }

  #paidForVm(held: Held, vm: string): bigint {
    let sum = 0n;
    for (const [pool, nanos] of held.terms) if (pool.vm === vm) sum += nanos;
    return sum;
  }

  /** What of terms is no longer kept: they have been charged to their end. */
  #released(): bigint {
    let sum = 0n;
    for (const pool of this.#terms.values()) if (this.#isCharged(pool) || pool.nanos < pool.used) sum += pool.nanos - pool.used;
    return sum;
  }

  #isCharged({ vm, untilMs, endsMs = untilMs }: Term): boolean {
    return Math.max(this.#allChargedTo, this.#chargedTo.get(vm) ?? -Infinity) >= endsMs;
  }

  #unused(): bigint {
    return this.#free + this.#surplus + this.#released() - this.#freeUsed;
  }

  #payFree(touched: Set<Held>): void {
    let unused = this.#unused();
    for (let i = this.#known.length - 1; unused < 0n && i >= 0; i -= 1) {
      const held = this.#known[i];
      if (held === undefined || held.free === 0n) continue;
      const back = least(held.free, -unused);
      held.free -= back;
      this.#freeUsed -= back;
      unused += back;
      // It is due again before all that comes after it.
      this.#paidFirst = Math.min(this.#paidFirst, i);
      touched.add(held);
    }
    while (this.#paidFirst < this.#known.length && this.#isPaid(this.#paidFirst)) this.#paidFirst += 1;
    for (let i = this.#paidFirst; unused > 0n && i < this.#known.length; i += 1) {
      const held = this.#known[i];
      if (held?.claim.isAutomatic !== true) continue;
      const more = least(unused, unpaidOf(held));
      if (more <= 0n) continue;
      held.free += more;
      this.#freeUsed += more;
      unused -= more;
      touched.add(held);
    }
  }

  #isPaid(nth: number): boolean {
    const held = this.#known[nth];
    return held !== undefined && unpaidOf(held) === 0n;
  }

  result(): Allocation {
    const claims = this.#known.map((held): Paid => ({
      claim: held.claim,
      paidNanos: paidOf(held),
      unpaidNanos: unpaidOf(held),
      payments: held.payments,
      paidAtMs: held.paidAtMs,
    }));
    let keptNanos = 0n;
    for (const [id, nanos] of this.#pools) if (!this.#held.has(id)) keptNanos += nanos;
    for (const pool of this.#terms.values()) if (!this.#isCharged(pool)) keptNanos += notBelow0(pool.nanos - pool.used);
    return {
      claims,
      byId: new Map(claims.map((each) => [each.claim.id, each])),
      freeNanos: this.#unused(),
      terms: Array.from(this.#terms.values(), ({ vm, fromMs, untilMs, nanos, used: usedNanos }) => ({
        ...{ vm, fromMs, untilMs, nanos, usedNanos },
      })),
      keptNanos,
      ahead: this.#ahead,
    };
  }
}

/** Keeps when how much of the principal was covered. */
function note(held: Held, atMs: number): void {
  const covered = least(paidOf(held), held.claim.principalNanos);
  if (covered !== held.covered) held.payments.push({ atMs, amountNanos: covered - held.covered });
  held.covered = covered;
  const isPaid = unpaidOf(held) === 0n;
  held.paidAtMs = isPaid ? (held.paidAtMs ?? atMs) : null;
}
