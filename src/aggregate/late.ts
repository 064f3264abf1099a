/** Samples that the live path put aside, as the kernel wrote them (assembly/emit.ts, emitLate). */
import { LAYOUT as L } from '../kernel/layout.ts';
import type { StoredSample } from './tables.ts';

export interface LateSample extends StoredSample {
  readonly vmSlot: number;
}

/** Reads the `late` output. */
export function readLate(bytes: Uint8Array): LateSample[] {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const samples: LateSample[] = [];
  let at = 0;
  while (at < view.length) {
    const pos = view.readBigUInt64LE(at);
    const vmSlot = view.readUInt32LE(at + 8);
    const agentLength = view.readUInt32LE(at + 12);
    const frame = at + 16;
    const size = view.readUInt16LE(frame);
    const vmLength = view.readUInt8(frame + L.FRAME_VM_LENGTH);
    const nicLength = view.readUInt8(frame + L.FRAME_NIC_LENGTH);
    const names = frame + L.FRAME_HEAD;
    samples.push({
      pos,
      vmSlot,
      vm: view.toString('latin1', names, names + vmLength),
      nic: view.toString('latin1', names + vmLength, names + vmLength + nicLength),
      tsMs: Number(view.readBigInt64LE(frame + L.FRAME_TS)),
      condition: view.readUInt8(frame + L.FRAME_CONDITION),
      hasCounters: view.readUInt8(frame + L.FRAME_COUNTERS) !== 0,
      epoch: view.readUInt32LE(frame + L.FRAME_EPOCH),
      rxBytes: view.readBigUInt64LE(frame + L.FRAME_RX),
      txBytes: view.readBigUInt64LE(frame + L.FRAME_TX),
      agent: view.toString('utf8', frame + size, frame + size + agentLength),
    });
    at = (frame + size + agentLength + 7) & ~7;
  }
  return samples;
}
