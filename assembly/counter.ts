/** Counters → traffic a minute: increases, resets, quarantine (SPEC §2). */
import {
  FRAME_CONDITION,
  FRAME_EPOCH,
  FRAME_MORE,
  FRAME_MORE_LINK,
  FRAME_MORE_STARTED,
  FRAME_MORE_SUM,
  FRAME_RX,
  FRAME_SIZE,
  FRAME_TS,
  FRAME_TX,
  H_LINK_BPS,
  H_LINK_BYTES_MS,
  MINUTE_MS,
  NIC_BASE_CONDITION,
  NIC_BASE_EPOCH,
  NIC_BASE_RX,
  NIC_BASE_TS,
  NIC_BASE_TX,
  NIC_DIRTY,
  NIC_SUM_MINUTE,
  NIC_SUM_RX,
  NIC_SUM_TX,
} from './layout';
import { emitQuarantine, emitTraffic } from './emit';
import { NEVER } from './intern';
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
    }
    const dt = <u64>(ts - baseTs);
    if (isFall || tooFast(max(moreRx, moreTx), dt)) {
      emitQuarantine(vm, nic, frame);
      closeMinute(vm, nic, ts);
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
  // the very first of an interface is a baseline, whenever its counters began
  if (baseTs != NEVER) {
    const baseRx = load<u64>(nic + NIC_BASE_RX);
    const baseTx = load<u64>(nic + NIC_BASE_TX);
    const from = max(baseTs, load<i64>(more + FRAME_MORE_STARTED));
    const isSum = load<u8>(more + FRAME_MORE_SUM) != 0;
    let isReset = from != baseTs || epoch != load<u32>(nic + NIC_BASE_EPOCH);
    if (!isReset && !isSum) isReset = isHalved(baseRx, rx) || isHalved(baseTx, tx);
    const isFall = !isReset && (rx < baseRx || tx < baseTx);
    const moreRx = isReset ? rx : rx - baseRx;
    const moreTx = isReset ? tx : tx - baseTx;
    const link = <u64>load<u32>(more + FRAME_MORE_LINK) * 1000000;
    if (isFall || productGreater(max(moreRx, moreTx), 8000, link != 0 ? link : load<u64>(H_LINK_BPS), <u64>(ts - from))) {
      emitQuarantine(vm, nic, frame);
      closeMinute(vm, nic, ts);
    } else if ((moreRx | moreTx) != 0) {
      beginSpread(vm, nic, from, ts, moreRx, moreTx);
    } else closeMinute(vm, nic, ts);
  }
  rebase(nic, ts, rx, tx, epoch, load<u8>(frame + FRAME_CONDITION));
}
