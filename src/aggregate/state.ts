/** What a checkpoint holds: the work that waits, then the kernel's memory. */
import type { Kernel } from '../kernel/kernel.ts';
import { loadSnapshot, takeSnapshot } from '../kernel/snapshot.ts';
import type { Backlog } from './backlog.ts';
import { internVm } from './pricing.ts';

const HEAD_BYTES = 8;

/** The state in one piece. Take it between steps. */
export function takeState(kernel: Kernel, backlog: Backlog): Uint8Array {
  const waiting = backlog.encode();
  const snapshot = takeSnapshot(kernel);
  const state = Buffer.alloc(HEAD_BYTES + waiting.length + snapshot.length);
  state.writeBigUInt64LE(BigInt(waiting.length));
  state.set(waiting, HEAD_BYTES);
  state.set(snapshot, HEAD_BYTES + waiting.length);
  return state;
}

/**
 * Puts a state into a fresh kernel and an empty backlog.
 * @returns false, with both as they were, when it is of another capacity or does not add up
 */
export function loadState(kernel: Kernel, backlog: Backlog, state: Uint8Array): boolean {
  if (state.length < HEAD_BYTES) return false;
  const view = new DataView(state.buffer, state.byteOffset);
  const at = HEAD_BYTES + Number(view.getBigUint64(0, true));
  if (at > state.length || !loadSnapshot(kernel, state.subarray(at))) return false;
  backlog.decode(state.subarray(HEAD_BYTES, at), (vm) => internVm(kernel, vm));
  return true;
}
