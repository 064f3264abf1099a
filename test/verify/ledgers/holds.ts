import { isDeepStrictEqual } from 'node:util';
import { type AccountBook, accountBook } from '../../../src/books/account-book.ts';
import { owedOf } from '../../../src/books/charges.ts';
import { freeMoneyOf } from '../../../src/books/payable.ts';
import { balanceOfAccount, owedAt } from '../../../src/books/standing.ts';
import { DAY_MS } from '../../../src/domain/zone.ts';
import { allocate } from '../../../src/ledger/allocation.ts';
import { compareEntries } from '../../../src/ledger/entry.ts';
import { toJson } from '../../../src/domain/json.ts';
import { modelBalance, modelLedger } from '../../../src/verify/model/ledger.ts';
import { modelPaying } from '../../../src/verify/model/ledger-paying.ts';
import { emptyBook, type ModelBook, modelBooks, type ModelRow } from '../../../src/verify/model/ledger-rows.ts';
import { brokenRules } from '../../../src/verify/model/ledger-rules.ts';
import { modelLateFees } from '../../../src/verify/model/late.ts';
import { halfEven, sumOf } from '../../../src/verify/model/rater.ts';
import { below, type Random, randomOf, shuffled } from '../../support/random.ts';
import type { Row } from '../../support/memory-catalog.ts';
import { CENT, START } from './documents.ts';
import { feeOfDays, ruleOf } from './late-fees.ts';
import { told, type Story } from './story.ts';
import { ACCOUNT, OTHER, World } from './world.ts';

/** What does not hold. */
export class Wrong extends Error {
  override readonly name = 'Wrong';
}

const MONEY = ['invoice', 'settlement', 'balance', 'grant', 'charge'];

/** The rows as `uptally verify` is told them: of documents their heads. */
export function rowsOf(rows: readonly Row[]): ModelRow[] {
  return rows
    .filter(({ kind }) => MONEY.includes(kind))
    .map(({ kind, id, seq, at, by, body }) => {
      const said = JSON.parse(body) as Record<string, unknown>;
      const head = kind === 'invoice' ? (said['head'] as Record<string, unknown>) : said;
      return { kind, id, seq, recordedAtMs: Number(at), by, body: head };
    });
}

function same(what: string, product: unknown, model: unknown): void {
  if (!isDeepStrictEqual(product, model))
    throw new Wrong(`${what}: the product has ${toJson(product)}, the model ${toJson(model)}`);
}

/** Lets a story happen, and holds what came of it against the model. Throws `Wrong`. */
export async function holds(story: Story, isThorough = false): Promise<World> {
  const world = await World.of(story);
  const random = randomOf(story.seed + 7_919);
  for (const step of story.steps) {
    await world.step(step);
    // A process that is started anew knows what the one before knew.
    if (isThorough || random() < 0.1) await world.reopen();
    if (isThorough || random() < 0.15) compare(world, random);
  }
  await world.reopen();
  compare(world, random);
  anyOrder(world, random);
  return world;
}

function compare(world: World, random: Random): void {
  const { books, context } = world;
  const rows = rowsOf(world.store.rows);
  const all = modelBooks(rows);
  for (const account of [ACCOUNT, OTHER]) {
    const book = all.get(account) ?? emptyBook(account);
    const mine = modelLedger(book);
    const theirs = books.ledgerOf(account);
    same(
      `entries of ${account}`,
      theirs.entries.toSorted(compareEntries).map(({ id, kind, atMs, seq, amountNanos, reference, by }) => [id, kind, atMs, seq, amountNanos, reference, by]),
      mine.entries.map(({ id, kind, atMs, seq, nanos, reference, by }) => [id, kind, atMs, seq, nanos, reference, by]),
    );
    const instants = [Number.POSITIVE_INFINITY, world.now, START + below(random, 40) * (DAY_MS / 2)];
    for (const atMs of instants) {
      const paying = modelPaying(mine.claims, mine.funds, atMs);
      same(`the balance of ${account} at ${atMs}`, balanceOfAccount(context, account, atMs), modelBalance(mine.entries, atMs));
      same(`what ${account} owes at ${atMs}`, owed(owedAt(context, account, atMs)), owed(paying.claims.filter(({ unpaidNanos }) => unpaidNanos > 0n)));
      const { freeNanos, keptNanos } = allocate(theirs.claims, theirs.funds, atMs);
      same(`free and kept money of ${account} at ${atMs}`, [freeNanos, keptNanos], [paying.freeNanos, paying.keptNanos]);
      sums(account, atMs, mine, paying);
      whole(account, [freeNanos, keptNanos, ...paying.claims.map(({ unpaidNanos }) => unpaidNanos)]);
    }
    const paying = modelPaying(mine.claims, mine.funds);
    same(`what pays the claims of ${account}`, paidBy(theirs.allocation.claims), paidBy(paying.claims));
    lateFees(world, account, paying.claims);
    byHand(world, account, book);
    goesBack(account, book);
    const [broken] = brokenRules(book);
    if (broken !== undefined) throw new Wrong(`${account}: ${toJson(broken)}`);
    const { freeNanos, boundNanos } = freeMoneyOf(context, account);
    if (boundNanos < 0n || boundNanos > freeNanos) throw new Wrong(`${account}: ${boundNanos} of ${freeNanos} free are bound`);
  }
} // prettier-ignore

interface PaidClaim {
  readonly claim: { readonly id: string; readonly dueAtMs: number; readonly principalNanos: bigint; readonly feeNanos: bigint };
  readonly paidNanos: bigint;
  readonly unpaidNanos: bigint;
  readonly payments: readonly { readonly atMs: number; readonly amountNanos: bigint }[];
}
const owed = (of: readonly PaidClaim[]) => of.map(({ claim, unpaidNanos }) => [claim.id, claim.dueAtMs, unpaidNanos]);
export const paidBy = (of: readonly PaidClaim[]) =>
  of.map(({ claim: { id, principalNanos, feeNanos }, paidNanos, payments }) => [
    ...[id, principalNanos, feeNanos, paidNanos],
    payments.map(({ atMs, amountNanos }) => [atMs, amountNanos]),
  ]);

const byId = ([a]: readonly unknown[], [b]: readonly unknown[]): number => (String(a) < String(b) ? -1 : 1);

/** What was charged by hand is on one invoice, or waits for the next, or was taken back. */
function byHand({ books }: World, account: string, { documents, handCharges }: ModelBook): void {
  const inForce = documents.filter(({ voided }) => voided === null);
  same(
    `charges by hand of ${account}`,
    books.chargesOf(account).map(({ id, amount_nanos: nanos, withdrawn, on }) => [id, BigInt(nanos), withdrawn !== null, on?.invoice]).sort(byId),
    handCharges.map(({ id, nanos, isWithdrawn }) => [id, nanos, isWithdrawn, inForce.find((each) => each.handCharges.some((of) => of.id === id))?.id]).sort(byId),
  );
} // prettier-ignore

/** No more leaves an account than came into it, and of each check one refund. */
function goesBack(account: string, { moves, grants }: ModelBook): void {
  const checks = [...grants, ...moves.filter(({ kind }) => kind === 'refund')].flatMap(({ check }) => check ?? []);
  if (new Set(checks).size !== checks.length) throw new Wrong(`${account}: a check was refunded twice: ${checks.join(', ')}`);
}

/** What is told is whole cents. */
function whole(account: string, amounts: readonly bigint[]): void {
  const part = amounts.find((nanos) => nanos % CENT !== 0n);
  if (part !== undefined) throw new Wrong(`${account}: ${part} nanos are no whole cents`);
}

/** No money is made or lost: what came is what pays, is free or is kept; and the balance is that less what is owed. */
function sums(
  account: string,
  atMs: number,
  { entries, claims, funds }: ReturnType<typeof modelLedger>,
  { claims: paid, freeNanos, keptNanos }: ReturnType<typeof modelPaying>,
): void {
  const came = funds.reduce((sum, fund) => (fund.atMs <= atMs ? sum + fund.nanos : sum), 0n);
  const pays = paid.reduce((sum, { paidNanos }) => sum + paidNanos, 0n);
  same(`the money of ${account} at ${atMs}`, came, pays + freeNanos + keptNanos);
  if (atMs !== Number.POSITIVE_INFINITY) return;
  const owes = claims.reduce((sum, { principalNanos, feeNanos }) => sum + principalNanos + feeNanos, 0n);
  same(`Σ entries of ${account}`, modelBalance(entries), came - owes);
}

/** What bears a late fee, and from when, is the same by both. */
function lateFees(world: World, account: string, claims: readonly PaidClaim[]): void {
  const rule = ruleOf(world.context, account, START);
  if (rule === undefined) return;
  const { days, invoices } = owedOf(world.context, account);
  const [fromMs, toMs] = [START, world.now + 30 * DAY_MS];
  for (const each of [...days, ...invoices]) {
    const mine = claims.find(({ claim }) => claim.id === each.id);
    const share = { nanos: 1n, terms: [{ fromMs: 0, rule }] };
    const { principalNanos = 0n, dueAtMs = 0 } = mine?.claim ?? {};
    const late = { invoice: each.id, principalNanos, payments: mine?.payments ?? [], dueAtMs, shares: [share], sharedNanos: 1n };
    const fee = sumOf(modelLateFees([late], fromMs, toMs));
    same(`the late fee of ${each.id}`, feeOfDays([each], rule, fromMs, toMs), halfEven(fee, CENT));
  }
}

/** The same rows, recorded in another order: the same ledger. */
function anyOrder(world: World, random: Random): void {
  const before = world.books.ledgerOf(ACCOUNT);
  const after = reordered(world, random);
  const entriesOf = ({ entries }: AccountBook) => entries.map(({ id, kind, atMs, amountNanos }) => [id, kind, atMs, amountNanos].join()).sort(); // prettier-ignore
  same('entries, recorded in another order', entriesOf(after), entriesOf(before));
  same('what pays what, recorded in another order', paidBy(after.allocation.claims), paidBy(before.allocation.claims));
  const rest = ({ allocation: { freeNanos, keptNanos } }: AccountBook) => [freeNanos, keptNanos];
  same('free and kept money, recorded in another order', rest(after), rest(before));
}

function reordered(world: World, random: Random): AccountBook {
  const { documents, balances, settlements, grants } = world.books.rowsOf(ACCOUNT);
  const all = [...documents, ...balances, ...settlements, ...grants];
  const ranks = new Map(shuffled(random, all.map(({ seq }) => seq)).map((seq, nth) => [all[nth], seq] as const)); // prettier-ignore
  // What puts a day, or a document, right is recorded after it: of each these keep their order.
  const about = (of: (typeof all)[number]): unknown =>
    'day' in of && of.day !== null ? of.day.from : 'head' in of && of.head.corrects !== null ? of.head.corrects.invoice : of;
  for (const key of new Set(all.map(about))) {
    const own = all.filter((each) => about(each) === key);
    const sorted = own.map((each) => ranks.get(each) ?? 0n).sort((a, b) => (a < b ? -1 : 1));
    for (const [nth, each] of own.entries()) ranks.set(each, sorted[nth] ?? 0n);
  }
  const anew = <T extends (typeof all)[number]>(of: readonly T[]): T[] =>
    of.map((each) => ({ ...each, seq: ranks.get(each) ?? 0n })).sort((a, b) => (a.seq < b.seq ? -1 : 1));
  return accountBook({
    documents: anew(documents),
    balances: anew(balances),
    settlements: anew(settlements),
    grants: anew(grants),
  });
}

/** The shortest story that is wrong in some way: of one that is, without every step that it does not need. */
export async function shortest(story: Story): Promise<{ story: Story; wrong: string }> {
  let best = story;
  let wrong = (await wrongOf(story)) ?? 'it is wrong only where it is looked at in between';
  for (let isShorter = true; isShorter;) {
    isShorter = false;
    for (let at = best.steps.length - 1; at >= 0; at -= 1) {
      const shorter = { ...best, steps: best.steps.filter((_, i) => i !== at) };
      const still = await wrongOf(shorter);
      if (still === undefined) continue;
      [best, wrong, isShorter] = [shorter, still, true];
    }
  }
  return { story: best, wrong };
}

/** What is wrong with a story, in words; undefined: nothing. */
export async function wrongOf(story: Story, isThorough = true): Promise<string | undefined> {
  try {
    await holds(story, isThorough);
    return undefined;
  } catch (error) {
    return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  }
}

/** A story that is wrong, shortened and told. */
export async function complaint(story: Story): Promise<string> {
  const found = await shortest(story);
  return `${told(found.story)}\n  ${found.wrong}`;
}
