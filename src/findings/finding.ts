import { DAY_MS } from '../domain/zone.ts';
import type { BillingContext } from '../billing/context.ts';

/** What should worry the biller today, in the order in which it is told. */
export const FINDING_KINDS = [
  'no_issuer',
  'vm_not_in_catalog',
  'samples_after_end',
  'vm_never_metered',
  'vm_not_metered_now',
  'vm_metered_late',
  'vm_without_plan',
  'suspended_wrongly',
  'silence_undecided',
  'name_not_printable',
] as const;
export type FindingKind = (typeof FINDING_KINDS)[number];

/** One thing that is not as a biller expects it: computed from what is stored, so it goes when what it is about does. */
export interface Finding {
  readonly kind: FindingKind;
  readonly vm: string | null;
  readonly account: string | null;
  /** From when on it is so; null: it is not known, or always was. */
  readonly sinceMs: number | null;
  /** Until when, where it has ended. */
  readonly untilMs: number | null;
  readonly words: string;
  readonly whatToDo: string;
}

export interface Asked {
  readonly kinds: ReadonlySet<FindingKind>;
  readonly vm: string | undefined;
  readonly account: string | undefined;
}

/** Findings of one source after a key (a VM or an account), in the order of the keys; `done` where none is left. */
export interface Part {
  readonly findings: readonly (Finding & { readonly key: string })[];
  /** Where the source was looked through to: findings after it are not among these. */
  readonly through: string;
  readonly done: boolean;
}

/** Where findings come from: each looks at some of its keys a call, however large the fleet is. */
export interface Source {
  readonly kinds: readonly FindingKind[];
  part(context: BillingContext, asked: Asked, after: string): Promise<Part>;
}

/** Less than this is what agents, starts and ends of service take. */
export const WORTH_TELLING_MS = 3_600_000;
/** How far back is looked: the month before this one is being billed. */
export const LOOKBACK_MS = 40 * DAY_MS;

/** The catalog's VMs that are asked for, by name, after one of them: at most `count`. */
export function vmsAfter(
  { catalog }: BillingContext,
  { vm, account }: Asked,
  after: string,
  count: number,
): { ids: string[]; done: boolean } {
  const all = account === undefined ? [...catalog.vmIds()].sort() : catalog.vmsOf(account);
  const left = all.filter((id) => id > after && (vm === undefined || id === vm));
  return { ids: left.slice(0, count), done: left.length <= count };
}

/** From when to when a VM is served, by its plans. */
export function serviceOf(
  context: BillingContext,
  id: string,
): { account: string; fromMs: number; toMs: number; hasPlan: boolean } | undefined {
  const body = context.catalog.vm(id)?.body;
  if (body === undefined) return undefined;
  const first = body.plans[0]?.from;
  return {
    account: body.account,
    fromMs: Math.max(body.starts_at ?? 0, first ?? 0),
    toMs: body.ends_at ?? Infinity,
    hasPlan: first !== undefined,
  };
}
