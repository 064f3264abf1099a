/** Samples that the live path put aside, as the kernel wrote them (assembly/emit.ts, emitLate). */
import { frameBytes, frameView, readFrame } from '../kernel/frames.ts';
import type { StoredSample } from './tables.ts';

export interface LateSample extends StoredSample {
  readonly vmSlot: number;
}

/** Reads the `late` output. */
export function readLate(bytes: Uint8Array): LateSample[] {
  const view = frameView(bytes);
  const samples: LateSample[] = [];
  let at = 0;
  while (at < view.length) {
    const pos = view.readBigUInt64LE(at);
    const vmSlot = view.readUInt32LE(at + 8);
    const agentLength = view.readUInt32LE(at + 12);
    const frame = at + 16;
    const end = frame + frameBytes(view, frame);
    samples.push({ pos, vmSlot, ...readFrame(view, frame), agent: view.toString('utf8', end, end + agentLength) });
    at = (end + agentLength + 7) & ~7;
  }
  return samples;
}
