/**
 * What an unavailable minute is worth (SPEC §4): the day's charge D split over the M minutes of the local day so that the shares add up
 * to D exactly. The same numbers come from src/domain/credit.ts; a property test holds the two together.
 */
import {
  COLD_PHASE,
  CONDITIONS,
  H_MAX_PHASES,
  H_MAX_PLANS,
  H_PHASES,
  H_PHASES_USED,
  H_PLANS,
  H_VMS,
  H_ZONES,
  H_ZONES_END,
  H_ZONES_LIMIT,
  MINUTE_MS,
  PHASE_FROM,
  PHASE_NEXT,
  PHASE_PLAN,
  PHASE_SIZE,
  PLAN_DAY,
  PLAN_DAY_CHARGE,
  PLAN_DAY_MINUTES,
  PLAN_MASK,
  PLAN_PER,
  PLAN_PRICE,
  PLAN_SIZE,
  PLAN_ZONE,
} from './layout';
import { coldOf, vmAt } from './intern';
import { civilFromDays, daysInMonth } from './time';

const PER_MONTH: u32 = 0;
const PER_DAY: u32 = 1;

/** Creditable where no plan says otherwise: provider. */
const DEFAULT_MASK: u32 = 1 << 1;

/** The results of priceMinute. */
export let unavailable: u32 = 0;
export let creditNanos: u64 = 0;

/** floor(a × b / c) for b ≤ c < 2³²: no step exceeds 64 bits. */
// @ts-ignore: decorator
@inline
function share(a: u64, b: u64, c: u64): u64 {
  return (a / c) * b + ((a % c) * b) / c;
}

function planAt(slot: u32): usize {
  return <usize>load<u32>(H_PLANS) + <usize>slot * PLAN_SIZE;
}

/** The first UTC minute of a local day (days since 1970-01-01): the first minute of the zone's table at which it has begun. */
function dayStart(zone: usize, day: i32): u32 {
  const count = load<u32>(zone);
  const localMinute = <i64>day * 1440;
  for (let i: u32 = 0; i < count; i++) {
    const from = <i64>load<u32>(zone + 4 + (<usize>i << 3));
    const offset = <i64>load<i32>(zone + 8 + (<usize>i << 3));
    const until: i64 = i + 1 < count ? <i64>load<u32>(zone + 12 + (<usize>i << 3)) : i64.MAX_VALUE;
    const start = localMinute - offset > from ? localMinute - offset : from;
    if (start < until) return <u32>start;
  }
  return 0;
}

function offsetAt(zone: usize, minute: u32): i32 {
  let low: u32 = 0;
  let high = load<u32>(zone);
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (load<u32>(zone + 4 + (<usize>middle << 3)) <= minute) low = middle;
    else high = middle;
  }
  return load<i32>(zone + 8 + (<usize>low << 3));
}

/** Civil days [from, to) that a zone has not: the clock went on from the end of the day before, or earlier, to its end, or later. */
function skipped(zone: usize, from: i32, to: i32): i32 {
  let days: i32 = 0;
  const count = load<u32>(zone);
  for (let i: u32 = 1; i < count; i++) {
    const point = zone + 4 + (<usize>i << 3);
    const at = <i64>load<u32>(point);
    const before = at + <i64>load<i32>(point - 4);
    const after = at + <i64>load<i32>(point + 4);
    if (after - before < 1440) continue;
    const first = max<i64>(<i64>from, (before + 1439) / 1440);
    const end = min<i64>(<i64>to, after / 1440);
    if (first < end) days += <i32>(end - first);
  }
  return days;
}

/** Fills the plan's memory of the day around a minute: start, M and D. */
function enterDay(plan: usize, minute: u32): void {
  const zone = <usize>load<u32>(plan + PLAN_ZONE);
  const local = <i64>minute + <i64>offsetAt(zone, minute);
  let day = <i32>((local >= 0 ? local : local - 1439) / 1440);
  let start = dayStart(zone, day);
  if (start > minute) {
    day--;
    start = dayStart(zone, day);
  }
  let next = dayStart(zone, day + 1);
  // the clock went back over midnight: the evening that comes again belongs to the day that has begun
  while (next <= minute) {
    day++;
    start = next;
    next = dayStart(zone, day + 1);
  }
  const minutes = next - start;
  const price = load<u64>(plan + PLAN_PRICE);
  const per = load<u32>(plan + PLAN_PER);
  let charge: u64;
  if (per == PER_MONTH) {
    const civil = civilFromDays(day);
    const first = day - (civil & 31) + 1;
    const end = first + daysInMonth(civil >> 9, civil >> 5 & 15);
    const inMonth = <u64>(end - first - skipped(zone, first, end));
    const d = <u64>(day - first - skipped(zone, first, day));
    charge = share(price, d + 1, inMonth) - share(price, d, inMonth);
  } else if (per == PER_DAY) charge = price;
  else charge = (price / 60) * minutes + ((price % 60) * minutes) / 60;
  store<u32>(plan + PLAN_DAY, start);
  store<u32>(plan + PLAN_DAY_MINUTES, minutes);
  store<u64>(plan + PLAN_DAY_CHARGE, charge);
}

/** unit(k) of the minute under the plan. */
function unit(plan: usize, minute: u32): u64 {
  if (minute - load<u32>(plan + PLAN_DAY) >= load<u32>(plan + PLAN_DAY_MINUTES)) enterDay(plan, minute);
  const k = <u64>(minute - load<u32>(plan + PLAN_DAY));
  const minutes = <u64>load<u32>(plan + PLAN_DAY_MINUTES);
  const charge = load<u64>(plan + PLAN_DAY_CHARGE);
  return share(charge, k + 1, minutes) - share(charge, k, minutes);
}

/** The plan in force for a VM at the start of a minute, 0 for none. */
function planOf(vm: usize, minute: u32): usize {
  const phases = <usize>load<u32>(H_PHASES);
  const at = <i64>minute * MINUTE_MS;
  let index = load<u32>(coldOf(vm) + COLD_PHASE);
  while (index != 0) {
    const phase = phases + <usize>(index - 1) * PHASE_SIZE;
    if (load<i64>(phase + PHASE_FROM) <= at) return planAt(load<u32>(phase + PHASE_PLAN));
    index = load<u32>(phase + PHASE_NEXT);
  }
  return 0;
}

/** Sets `unavailable` and `creditNanos` for a minute with these nine parts. */
// @ts-ignore: decorator
@inline
export function priceMinute(vm: usize, minute: u32, parts: usize): void {
  unavailable = 0;
  creditNanos = 0;
  // all of it up: nothing to price
  if ((load<u64>(parts) & ~0xffff | load<u64>(parts + 8) | <u64>load<u16>(parts + 16)) != 0) priceOutage(vm, minute, parts);
}

function priceOutage(vm: usize, minute: u32, parts: usize): void {
  const plan = planOf(vm, minute);
  const mask = plan == 0 ? DEFAULT_MASK : load<u32>(plan + PLAN_MASK);
  for (let i: u32 = 1; i < CONDITIONS; i++) {
    if ((mask >> i & 1) != 0 && load<u16>(parts + (<usize>i << 1)) != 0) {
      unavailable = 1;
      if (plan != 0) creditNanos = unit(plan, minute);
      return;
    }
  }
}

// ---- the host fills the tables ------------------------------------------------------------------------------------------

/** Forgets every plan, zone and dated plan; the host then writes the whole catalog anew. */
export function clearCatalog(): void {
  store<u32>(H_ZONES_END, load<u32>(H_ZONES));
  store<u32>(H_PHASES_USED, 0);
  const vms = load<u32>(H_VMS);
  for (let i: u32 = 0; i < vms; i++) store<u32>(coldOf(vmAt(i)) + COLD_PHASE, 0);
}

/** Begins a zone; its address, 0 when there is no room. */
export function beginZone(points: u32): u32 {
  const at = load<u32>(H_ZONES_END);
  if (at + 4 + points * 8 > load<u32>(H_ZONES_LIMIT)) return 0;
  store<u32>(at, 0);
  store<u32>(H_ZONES_END, at + 4 + points * 8);
  return at;
}

/** From `minute` (UTC) on the zone is `offset` minutes ahead. */
export function addZonePoint(zone: u32, minute: u32, offset: i32): void {
  const count = load<u32>(zone);
  store<u32>(zone + 4 + count * 8, minute);
  store<i32>(zone + 8 + count * 8, offset);
  store<u32>(zone, count + 1);
}

/** Plan `slot`: the price comes in two halves. 1 when there is room for it. */
export function setPlan(slot: u32, priceLow: u32, priceHigh: u32, per: u32, mask: u32, zone: u32): u32 {
  if (slot >= load<u32>(H_MAX_PLANS)) return 0;
  const plan = planAt(slot);
  store<u64>(plan + PLAN_PRICE, <u64>priceLow | <u64>priceHigh << 32);
  store<u32>(plan + PLAN_PER, per);
  store<u32>(plan + PLAN_MASK, mask);
  store<u32>(plan + PLAN_ZONE, zone);
  store<u32>(plan + PLAN_DAY, 0);
  store<u32>(plan + PLAN_DAY_MINUTES, 0);
  return 1;
}

/** A VM's next dated plan (the host adds them in the order of time). 1 when there is room for it. */
export function addPhase(vmSlot: u32, fromLow: u32, fromHigh: u32, plan: u32): u32 {
  const index = load<u32>(H_PHASES_USED);
  if (index >= load<u32>(H_MAX_PHASES)) return 0;
  const phase = <usize>load<u32>(H_PHASES) + <usize>index * PHASE_SIZE;
  const vm = vmAt(vmSlot);
  store<i64>(phase + PHASE_FROM, <i64>(<u64>fromLow | <u64>fromHigh << 32));
  store<u32>(phase + PHASE_PLAN, plan);
  store<u32>(phase + PHASE_NEXT, load<u32>(coldOf(vm) + COLD_PHASE));
  store<u32>(coldOf(vm) + COLD_PHASE, index + 1);
  store<u32>(H_PHASES_USED, index + 1);
  return 1;
}
