/** Counters → traffic a minute: increases, resets, quarantine (SPEC §2). */
import {
  CHAIN_BORN_TS,
  EMIT_SLICE,
  NIC_HAS_FALLEN,
  FLAG_DOUBTS,
  FRAME_CONDITION,
  FRAME_EPOCH,
  FRAME_MORE,
  FRAME_MORE_LINK,
  FRAME_MORE_SAYS,
  FRAME_MORE_STARTED,
  FRAME_RX,
  FRAME_SIZE,
  FRAME_TS,
  FRAME_TX,
  H_ARCHIVE,
  H_LINK_BPS,
  H_LINK_BYTES_MS,
  NIC_HAS_JUMPED,
  MINUTE_MS,
  NIC_BASE_CONDITION,
  NIC_BASE_EPOCH,
  NIC_BASE_RX,
  NIC_BASE_TS,
  NIC_BASE_TX,
  NIC_BEFORE,
  NIC_BORN,
  NIC_DIRTY,
  NIC_JUMPED,
  NIC_LAST_TS,
  NIC_NEXT,
  NIC_SUM_MINUTE,
  NIC_SUM_RX,
  NIC_SUM_TX,
  VM_EMIT_FROM,
  VM_FLAGS,
  VM_NIC,
} from './layout';
import { emitQuarantine, emitTraffic } from './emit';
import { NEVER, isSibling, isTold, nicAt, tellingOf } from './intern';
import { beginSpread } from './spread';

/** Is a × b > c × d? In 128 bits: (high, low) pairs of the two products are compared. */
function productGreater(a: u64, b: u64, c: u64, d: u64): bool {
  const high = multiplyHigh(a, b);
  const other = multiplyHigh(c, d);
  return high != other ? high > other : a * b > c * d;
}

/** The upper 64 bits of a 64 × 64 bit product, from four products of halves. */
export function multiplyHigh(a: u64, b: u64): u64 {
  const aLow = a & 0xffffffff;
  const aHigh = a >> 32;
  const bLow = b & 0xffffffff;
  const bHigh = b >> 32;
  const middle = aHigh * bLow + (aLow * bLow >> 32);
  const carry = (middle & 0xffffffff) + aLow * bHigh;
  return aHigh * bHigh + (middle >> 32) + (carry >> 32);
}

/** Is the increase more than the server's link carries in dt? increase × 8 × 1000 > bits a second × dt, exactly. */
// @ts-ignore: decorator
@inline
function tooFast(increase: u64, dt: u64): bool {
  // the usual case needs one product: dt below 2³⁵ ms (a year) times bytes a ms below 2²⁹
  if (dt >> 35 == 0 && load<u64>(H_LINK_BYTES_MS) >> 29 == 0 && increase <= load<u64>(H_LINK_BYTES_MS) * dt) return false;
  return productGreater(increase, 8000, load<u64>(H_LINK_BPS), dt);
}

/** Did a counter fall to less than half? Then it began again at zero; a smaller fall is nobody's restart. */
function isHalved(before: u64, after: u64): bool {
  return after < before && after < before - after;
}

/** Closes the interface's open minute if `until` is past its end. */
// @ts-ignore: decorator
@inline
export function closeMinute(vm: usize, nic: usize, until: i64): void {
  if (<i64>(load<u32>(nic + NIC_SUM_MINUTE) + 1) * MINUTE_MS <= until && (load<u64>(nic + NIC_SUM_RX) | load<u64>(nic + NIC_SUM_TX)) != 0) {
    emitTraffic(vm, nic);
    store<u64>(nic + NIC_SUM_RX, 0);
    store<u64>(nic + NIC_SUM_TX, 0);
    store<u8>(nic + NIC_DIRTY, 0);
  }
}

/** The interface's counters go on from here. */
// @ts-ignore: decorator
@inline
function rebase(nic: usize, ts: i64, rx: u64, tx: u64, epoch: u32, condition: u8): void {
  store<i64>(nic + NIC_BASE_TS, ts);
  store<u64>(nic + NIC_BASE_RX, rx);
  store<u64>(nic + NIC_BASE_TX, tx);
  store<u32>(nic + NIC_BASE_EPOCH, epoch);
  store<u8>(nic + NIC_BASE_CONDITION, condition);
}

/** In repair: what came before the counters that are now the newest. Births of the same instant ask for it. */
export function keepBefore(nic: usize, ts: i64): void {
  const base = load<i64>(nic + NIC_BASE_TS);
  store<u32>(nic + NIC_BEFORE, base == NEVER ? 0 : <u32>min(ts - base, 0xffffffff));
}

/** No other counters of the interface. */
const ALONE: i64 = NEVER;
/** Which is not known: some of another chain are not from before. */
export const UNKNOWN: i64 = i64.MAX_VALUE;

/** The newest counters before `ts` of the interface, of another chain than `nic`; ALONE, or live perhaps UNKNOWN. */
export function newestBefore(vm: usize, nic: usize, ts: i64): i64 {
  let newest = ALONE;
  for (let slot = load<u32>(vm + VM_NIC); slot != 0;) {
    const other = nicAt(slot - 1);
    slot = load<u32>(other + NIC_NEXT);
    if (other == nic || !isSibling(nic, other)) continue;
    let base = load<i64>(other + NIC_BASE_TS);
    if (base >= ts) {
      if (load<u32>(H_ARCHIVE) != 0) return UNKNOWN;
      const before = <i64>load<u32>(other + NIC_BEFORE);
      base = before == 0 ? NEVER : base - before;
    }
    newest = max(newest, base);
  }
  return newest;
}

/** Are there first counters of another chain of the interface, later than `ts`, that said when they began? What they are depends on those before. */
export function unsettles(vm: usize, nic: usize, ts: i64): bool {
  for (let slot = load<u32>(vm + VM_NIC); slot != 0;) {
    const other = nicAt(slot - 1);
    slot = load<u32>(other + NIC_NEXT);
    if (other == nic || load<u8>(other + NIC_BORN) == 0 || !isSibling(nic, other)) continue;
    // of the interface as such it is not on record how late they are
    if (ts < (isTold(other) ? load<i64>(tellingOf(other) + CHAIN_BORN_TS) : load<i64>(other + NIC_BASE_TS))) return true;
  }
  return false;
}

function isBeforeStretch(vm: usize, ts: i64): bool {
  const from = load<u32>(vm + VM_EMIT_FROM);
  return from != 0 && ts < <i64>(from & ~EMIT_SLICE) * MINUTE_MS;
}

/** An increase is not billed. If it was too fast and the counter goes back behind it later, what was counted since were slips: the host looks for them. */
function quarantine(vm: usize, nic: usize, frame: usize, isFall: bool): void {
  emitQuarantine(vm, nic, frame);
  closeMinute(vm, nic, load<i64>(frame + FRAME_TS));
  if (isFall) return;
  store<u8>(nic + NIC_JUMPED, load<u8>(nic + NIC_JUMPED) | NIC_HAS_JUMPED);
  store<u8>(vm + VM_FLAGS, load<u8>(vm + VM_FLAGS) | FLAG_DOUBTS);
}

function fell(nic: usize): void {
  store<u8>(nic + NIC_JUMPED, load<u8>(nic + NIC_JUMPED) | NIC_HAS_FALLEN);
}

/** Live, does the counter of a chain that has jumped fall, perhaps behind that? Only a repair takes back what was billed since. */
export function mayTakeBack(nic: usize, frame: usize, ts: i64): bool {
  if ((load<u8>(nic + NIC_JUMPED) & NIC_HAS_JUMPED) == 0 || ts <= load<i64>(nic + NIC_LAST_TS)) return false;
  if (load<u32>(frame + FRAME_EPOCH) != load<u32>(nic + NIC_BASE_EPOCH)) return false;
  if (load<u64>(frame + FRAME_RX) >= load<u64>(nic + NIC_BASE_RX) && load<u64>(frame + FRAME_TX) >= load<u64>(nic + NIC_BASE_TX)) return false;
  fell(nic);
  return true;
}

/** The first counters of a chain: a baseline, unless they began after all others of the interface. */
function countFirst(vm: usize, nic: usize, frame: usize, started: i64, link: u64): void {
  // in repair what is read from before the stretch need not be the first
  if (started < 0 || isBeforeStretch(vm, load<i64>(frame + FRAME_TS))) return;
  const ts = load<i64>(frame + FRAME_TS);
  store<u8>(nic + NIC_BORN, 1);
  if (isTold(nic)) store<i64>(tellingOf(nic) + CHAIN_BORN_TS, ts);
  store<u8>(vm + VM_FLAGS, load<u8>(vm + VM_FLAGS) | FLAG_DOUBTS);
  const newest = newestBefore(vm, nic, ts);
  if (newest == ALONE || started <= newest) return;
  const rx = load<u64>(frame + FRAME_RX);
  const tx = load<u64>(frame + FRAME_TX);
  if (productGreater(max(rx, tx), 8000, link, <u64>(ts - started))) emitQuarantine(vm, nic, frame);
  else if ((rx | tx) != 0) beginSpread(vm, nic, started, ts, rx, tx);
}

/** Takes in the counters of a sample that is later than every one of this interface before it. */
// @ts-ignore: decorator
@inline
export function count(vm: usize, nic: usize, frame: usize): void {
  const ts = load<i64>(frame + FRAME_TS);
  const rx = load<u64>(frame + FRAME_RX);
  const tx = load<u64>(frame + FRAME_TX);
  const epoch = load<u32>(frame + FRAME_EPOCH);
  const baseTs = load<i64>(nic + NIC_BASE_TS);
  if (baseTs != NEVER) {
    const baseRx = load<u64>(nic + NIC_BASE_RX);
    const baseTx = load<u64>(nic + NIC_BASE_TX);
    let moreRx = rx - baseRx;
    let moreTx = tx - baseTx;
    let isFall = false;
    if (epoch != load<u32>(nic + NIC_BASE_EPOCH) || rx < baseRx || tx < baseTx) {
      isFall = epoch == load<u32>(nic + NIC_BASE_EPOCH) && !isHalved(baseRx, rx) && !isHalved(baseTx, tx);
      moreRx = rx;
      moreTx = tx;
      fell(nic);
    }
    const dt = <u64>(ts - baseTs);
    if (isFall || tooFast(max(moreRx, moreTx), dt)) {
      quarantine(vm, nic, frame, isFall);
    } else if ((moreRx | moreTx) != 0) {
      beginSpread(vm, nic, baseTs, ts, moreRx, moreTx);
    } else closeMinute(vm, nic, ts);
  }
  rebase(nic, ts, rx, tx, epoch, load<u8>(frame + FRAME_CONDITION));
}

/** The same of a sample that says when its counters began, how fast its link is, or that they are a sum. */
export function countFull(vm: usize, nic: usize, frame: usize): void {
  const more = frame + load<u16>(frame + FRAME_SIZE) - FRAME_MORE;
  const ts = load<i64>(frame + FRAME_TS);
  const rx = load<u64>(frame + FRAME_RX);
  const tx = load<u64>(frame + FRAME_TX);
  const epoch = load<u32>(frame + FRAME_EPOCH);
  const baseTs = load<i64>(nic + NIC_BASE_TS);
  const ownLink = <u64>load<u32>(more + FRAME_MORE_LINK) * 1000000;
  const link = ownLink != 0 ? ownLink : load<u64>(H_LINK_BPS);
  if (baseTs == NEVER) countFirst(vm, nic, frame, load<i64>(more + FRAME_MORE_STARTED), link);
  else {
    const baseRx = load<u64>(nic + NIC_BASE_RX);
    const baseTx = load<u64>(nic + NIC_BASE_TX);
    const from = max(baseTs, load<i64>(more + FRAME_MORE_STARTED));
    const isSum = (load<u8>(more + FRAME_MORE_SAYS) & 1) != 0;
    let isReset = from != baseTs || epoch != load<u32>(nic + NIC_BASE_EPOCH);
    if (!isReset && !isSum) isReset = isHalved(baseRx, rx) || isHalved(baseTx, tx);
    const isFall = !isReset && (rx < baseRx || tx < baseTx);
    if (rx < baseRx || tx < baseTx) fell(nic);
    const moreRx = isReset ? rx : rx - baseRx;
    const moreTx = isReset ? tx : tx - baseTx;
    if (isFall || productGreater(max(moreRx, moreTx), 8000, link, <u64>(ts - from))) {
      quarantine(vm, nic, frame, isFall);
    } else if ((moreRx | moreTx) != 0) {
      beginSpread(vm, nic, from, ts, moreRx, moreTx);
    } else closeMinute(vm, nic, ts);
  }
  rebase(nic, ts, rx, tx, epoch, load<u8>(frame + FRAME_CONDITION));
}
