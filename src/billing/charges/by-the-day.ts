import { agreementsOf, type TermsContext } from '../../terms/agreed.ts';
import { DAY_MS, dayEnd, type LocalDay, localDay, MINUTE_MS, type Zone } from '../../domain/zone.ts';
import type { TermsSheet } from '../../terms/sheet.ts';

/** A time of a VM's service, and how soon after its end a day of it is charged; null: it is charged by the invoice's period. */
interface Stretch {
  readonly fromMs: number;
  readonly untilMs: number;
  readonly withinMs: number | null;
}

/** How each VM of an account is charged over its service: by its own sheet in force then, never by a neighbour's (SPEC §6a). */
export type ChargedVms = ReadonlyMap<string, readonly Stretch[]>;

/** A day that is charged by itself, and the days before it that it is rated together with. */
export interface DayRun {
  readonly fromMs: number;
  /** Of whose lines the days of the run are made: all but those that are charged by the invoice's period. */
  readonly vms: ReadonlySet<string>;
  /** So long after its end the day falls due: of several sheets the latest. */
  readonly withinMs: number;
}

/** How an account's VMs are charged; undefined where none of them is ever charged by the day. */
export function chargedVmsOf(context: TermsContext, account: string): ChargedVms | undefined {
  const vms = vmsNow(context, account);
  return [...vms.values()].some((stretches) => stretches.some(({ withinMs }) => withinMs !== null)) ? vms : undefined;
}

/** How an account's VMs are charged by now, also where that is not by the day any more. */
export function vmsNow(context: TermsContext, account: string): ChargedVms {
  return new Map(context.catalog.vmsOf(account).map((vm) => [vm, stretchesOf(context, vm)]));
}

function stretchesOf(context: TermsContext, vm: string): Stretch[] {
  const body = context.catalog.vm(vm)?.body;
  if (body === undefined) return [];
  const agreements = agreementsOf(context, body);
  return agreements.flatMap(({ fromMs, sheet }, i) => {
    const stretch = {
      fromMs: Math.max(fromMs, body.starts_at ?? fromMs),
      untilMs: Math.min(agreements[i + 1]?.fromMs ?? Infinity, body.ends_at ?? Infinity),
      withinMs: withinOf(sheet),
    };
    return stretch.fromMs < stretch.untilMs ? [stretch] : [];
  });
}

function withinOf(sheet: TermsSheet | undefined): number | null {
  return sheet?.billing?.prepaid === true ? sheet.billing.charge_daily_within : null;
}

/** The time of a VM's service by which it is charged for a day: the first of the day; undefined: it is not served then. */
function stretchOn(stretches: readonly Stretch[], day: LocalDay): Stretch | undefined {
  return stretches.find(({ fromMs, untilMs }) => fromMs < dayEnd(day) * MINUTE_MS && untilMs > day.startMinute * MINUTE_MS);
}

/** Whether a VM that is charged by the day is served in a day. */
export function isServedByDay(vms: ChargedVms, day: LocalDay): boolean {
  return [...vms.values()].some((stretches) => (stretchOn(stretches, day)?.withinMs ?? null) !== null);
}

/** Whether late fees of days may be charged in a day: of a VM that is charged by the day, or was when its service ended. */
export function mayBeLate(vms: ChargedVms, day: LocalDay): boolean {
  const until = dayEnd(day) * MINUTE_MS;
  return [...vms.values()].some((all) => (all.findLast(({ fromMs }) => fromMs < until)?.withinMs ?? null) !== null);
}

/** When the first service begins that is charged by the day; 0: since ever. */
export function firstByDayMs(vms: ChargedVms): number {
  const begins = [...vms.values()].flatMap((stretches) => stretches.find(({ withinMs }) => withinMs !== null)?.fromMs ?? []);
  return Math.min(...begins);
}

/**
 * The run of a day: the days from an instant on, but no further back than each VM has been charged in one way only. Where one goes from the one to the
 * other another run begins, so that the days before are not taken back, nor those after charged to the wrong one.
 */
export function runOf(vms: ChargedVms, zone: Zone, day: LocalDay, earliestMs: number): DayRun {
  const byDay = new Map<string, boolean>();
  let fromMs = day.startMinute * MINUTE_MS;
  for (let each = day; ; each = localDay(zone, each.startMinute - 1)) {
    const served = [...vms].flatMap(([vm, stretches]) => {
      const stretch = stretchOn(stretches, each);
      return stretch === undefined ? [] : [{ vm, isByDay: stretch.withinMs !== null }];
    });
    if (served.some(({ vm, isByDay }) => (byDay.get(vm) ?? isByDay) !== isByDay)) break;
    fromMs = Math.max(each.startMinute * MINUTE_MS, earliestMs);
    for (const { vm, isByDay } of served) byDay.set(vm, isByDay);
    if (each.startMinute * MINUTE_MS <= earliestMs) break;
  }
  const withins = [...vms.values()].flatMap((stretches) => stretchOn(stretches, day)?.withinMs ?? []);
  // Of a day on which nobody is served any more only late fees are left.
  const last = (): number[] =>
    [...vms.values()].flatMap((all) => all.findLast(({ withinMs }) => withinMs !== null)?.withinMs ?? []);
  return {
    fromMs,
    vms: new Set([...vms.keys()].filter((vm) => byDay.get(vm) !== false)),
    // where nobody was ever charged so, as it is by now, it is what no sheet says otherwise: the end of the day after
    withinMs: Math.max(...(withins.length > 0 ? withins : last().length > 0 ? last() : [DAY_MS])),
  };
}
