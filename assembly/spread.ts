/**
 * An increase over [a, b) shared out to the minutes it covers: cum(t) = floor(increase × (t − a) / (b − a)), a minute's share the
 * difference of cum at its ends, so the shares add up to the increase. A spread over more minutes than the output has room for stops in
 * the header and goes on after the host has drained it.
 */
import {
  H_SPREAD_A,
  H_SPREAD_B,
  H_SPREAD_CUM_RX,
  H_SPREAD_CUM_TX,
  H_SPREAD_MINUTE,
  H_SPREAD_NIC,
  H_SPREAD_RX,
  H_SPREAD_TX,
  H_SPREAD_VM,
  MINUTE_MS,
  NIC_DIRTY,
  NIC_SUM_MINUTE,
  NIC_SUM_RX,
  NIC_SUM_TX,
  OUT_CHAINS,
  OUT_TRAFFIC,
  VM_EMIT_FROM,
} from './layout';
import { closeMinute, multiplyHigh } from './counter';
import { emitTraffic, nextWritten } from './emit';
import { isTold } from './intern';

/** Room that a traffic row may take. */
export const TRAFFIC_ROW_MAX: u32 = 224;

/** Has the output of this one's rows of traffic no room for `rows` more? */
export function isTrafficFull(nic: usize, rows: u32): bool {
  const out = isTold(nic) ? OUT_CHAINS : OUT_TRAFFIC;
  return load<u32>(out + 4) + rows * TRAFFIC_ROW_MAX > load<u32>(out + 8);
}

/** floor(a × b / c) for b ≤ c: in 64 bits where the product fits, else in 128. */
export function multiplyDivide(a: u64, b: u64, c: u64): u64 {
  if (clz(a) + clz(b) >= 64) return (a * b) / c;
  // a = q c + r, so a b / c = q b + r b / c, and r b fits when c is below 2³²
  const rest = a % c;
  const whole = (a / c) * b;
  if (c >> 32 == 0) return whole + (rest * b) / c;
  // schoolbook division of the 128-bit product rest × b, bit by bit: only spans of 49 days and more get here
  let high = multiplyHigh(rest, b);
  let low = rest * b;
  let quotient: u64 = 0;
  for (let i = 0; i < 64; i++) {
    const carry = high >> 63;
    high = high << 1 | low >> 63;
    low <<= 1;
    quotient <<= 1;
    if (carry != 0 || high >= c) {
      high -= c;
      quotient |= 1;
    }
  }
  return whole + quotient;
}

// @ts-ignore: decorator
@inline
function add(nic: usize, minute: u32, rx: u64, tx: u64): void {
  store<u32>(nic + NIC_SUM_MINUTE, minute);
  store<u64>(nic + NIC_SUM_RX, load<u64>(nic + NIC_SUM_RX) + rx);
  store<u64>(nic + NIC_SUM_TX, load<u64>(nic + NIC_SUM_TX) + tx);
  store<u8>(nic + NIC_DIRTY, 1);
}

/** Shares out an increase; what lies in one minute, as most do, is only added. */
// @ts-ignore: decorator
@inline
export function beginSpread(vm: usize, nic: usize, a: i64, b: i64, rx: u64, tx: u64): void {
  const minute = <u32>(a / MINUTE_MS);
  closeMinute(vm, nic, a);
  const end = <i64>(minute + 1) * MINUTE_MS;
  if (b <= end) {
    add(nic, minute, rx, tx);
    if (b == end) closeMinute(vm, nic, b);
    return;
  }
  startLongSpread(vm, nic, a, b, rx, tx, minute);
}

function startLongSpread(vm: usize, nic: usize, a: i64, b: i64, rx: u64, tx: u64, minute: u32): void {
  store<u32>(H_SPREAD_VM, <u32>vm);
  store<u32>(H_SPREAD_NIC, <u32>nic);
  store<i64>(H_SPREAD_A, a);
  store<i64>(H_SPREAD_B, b);
  store<u64>(H_SPREAD_RX, rx);
  store<u64>(H_SPREAD_TX, tx);
  store<u64>(H_SPREAD_CUM_RX, 0);
  store<u64>(H_SPREAD_CUM_TX, 0);
  store<u32>(H_SPREAD_MINUTE, minute);
  goOnSpreading();
}

/** Goes on with the spread in the header; false when the output is full first. */
export function goOnSpreading(): bool {
  const vm = <usize>load<u32>(H_SPREAD_VM);
  const nic = <usize>load<u32>(H_SPREAD_NIC);
  const a = load<i64>(H_SPREAD_A);
  const b = load<i64>(H_SPREAD_B);
  const rx = load<u64>(H_SPREAD_RX);
  const tx = load<u64>(H_SPREAD_TX);
  const dt = <u64>(b - a);
  let minute = load<u32>(H_SPREAD_MINUTE);
  let cumRx = load<u64>(H_SPREAD_CUM_RX);
  let cumTx = load<u64>(H_SPREAD_CUM_TX);
  const isSlice = load<u32>(vm + VM_EMIT_FROM) != 0;
  while (true) {
    if (isSlice) {
      // what another slice writes is stepped over, however long it is
      const written = nextWritten(vm, minute, <u32>((b - 1) / MINUTE_MS));
      if (written != minute) {
        minute = written;
        const reached = <u64>(<i64>minute * MINUTE_MS - a);
        cumRx = multiplyDivide(rx, reached, dt);
        cumTx = multiplyDivide(tx, reached, dt);
        store<u64>(nic + NIC_SUM_RX, 0);
        store<u64>(nic + NIC_SUM_TX, 0);
      }
    }
    const end = <i64>(minute + 1) * MINUTE_MS;
    if (end >= b) {
      add(nic, minute, rx - cumRx, tx - cumTx);
      if (end == b) closeMinute(vm, nic, b);
      store<u32>(H_SPREAD_NIC, 0);
      return true;
    }
    if (isTrafficFull(nic, 2)) {
      store<u32>(H_SPREAD_MINUTE, minute);
      store<u64>(H_SPREAD_CUM_RX, cumRx);
      store<u64>(H_SPREAD_CUM_TX, cumTx);
      return false;
    }
    const reachedRx = multiplyDivide(rx, <u64>(end - a), dt);
    const reachedTx = multiplyDivide(tx, <u64>(end - a), dt);
    add(nic, minute, reachedRx - cumRx, reachedTx - cumTx);
    emitTraffic(vm, nic);
    store<u64>(nic + NIC_SUM_RX, 0);
    store<u64>(nic + NIC_SUM_TX, 0);
    cumRx = reachedRx;
    cumTx = reachedTx;
    minute++;
  }
}
