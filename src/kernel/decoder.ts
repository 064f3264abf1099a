/** The door's kernel: a request's bytes in, frames and rejections out. Synchronous; answers are views that the next call overwrites. */
import { VM_PATTERN } from '../samples/names.ts';
import { REJECTION_CODES, SAMPLE_FIELDS, type Rejection } from '../samples/rejection.ts';
import { type Build, Kernel } from './kernel.ts';
import { LAYOUT as L } from './layout.ts';

/** At most this many bytes in a request once inflated, and this many samples (SPEC §7). */
export const BODY_BYTES_MAX = 8 * 1024 * 1024;
export const SAMPLES_MAX = 50_000;
/** The frames of the largest request: each has 40 bytes of head, at most 160 of names and 16 of what few samples say. */
export const FRAMES_BYTES_MAX = SAMPLES_MAX * 216;

/** At most this many patterns a key; each is at most 64 bytes. */
export const PATTERNS_MAX = 64;

/** How the bytes of a request say samples; the place is the decoder's mode. */
export const BODY_FORMATS = ['ndjson', 'json', 'binary'] as const;
export type BodyFormat = (typeof BODY_FORMATS)[number];

export interface DecodeContext {
  readonly nowMs: number;
  /** the oldest ts that is still accepted; 0 for no limit */
  readonly oldestMs: number;
  /** globs of the VMs that may be posted for; null for all */
  readonly patterns: readonly string[] | null;
}

export type Decoded =
  | { readonly outcome: 'too_many_samples' | 'malformed_document' }
  | {
      readonly outcome: 'decoded';
      readonly accepted: number;
      readonly rejected: number;
      /** the first 100 */
      readonly errors: readonly Rejection[];
      /** how many of each code, in the order of REJECTION_CODES */
      readonly rejectedByCode: readonly number[];
      /** a view into the kernel: copy before the next call */
      readonly frames: Uint8Array;
    };

export class Decoder {
  readonly kernel: Kernel;

  constructor(build: Build = 'release') {
    this.kernel = new Kernel(
      {
        vms: 1,
        nics: 1,
        plans: 1,
        phases: 1,
        inputBytes: BODY_BYTES_MAX + 64,
        // the smallest line is larger than half a frame without names, and names are copied as they are
        framesBytes: FRAMES_BYTES_MAX + 64,
        outputBytes: 64,
      },
      build,
    );
    this.kernel.setU32(L.H_SAMPLES_MAX, SAMPLES_MAX);
  }

  /** @param body at most BODY_BYTES_MAX bytes, in one piece or several */
  decode(body: readonly Uint8Array[], format: BodyFormat, context: DecodeContext): Decoded {
    const { kernel } = this;
    let length = 0;
    const input = kernel.u32(L.H_INPUT);
    for (const chunk of body) {
      if (length + chunk.length > BODY_BYTES_MAX) throw new RangeError('the body is larger than the door lets in');
      kernel.bytes.set(chunk, input + length);
      length += chunk.length;
    }
    kernel.setI64(L.H_NOW, BigInt(context.nowMs));
    kernel.setI64(L.H_OLDEST, BigInt(context.oldestMs));
    this.setPatterns(context.patterns);
    const outcome = kernel.exports.decode(length, BODY_FORMATS.indexOf(format));
    if (outcome === 1) return { outcome: 'too_many_samples' };
    if (outcome === 2) return { outcome: 'malformed_document' };
    const rejected = kernel.u32(L.H_REJECTED);
    return {
      outcome: 'decoded',
      accepted: kernel.u32(L.H_ACCEPTED),
      rejected,
      errors: rejected === 0 ? [] : this.errors(Math.min(rejected, 100)),
      rejectedByCode: rejected === 0 ? [] : REJECTION_CODES.map((_, code) => kernel.u32(L.H_REJECTED_BY_CODE + 4 * code)),
      frames: kernel.bytes.subarray(kernel.u32(L.H_FRAMES), kernel.u32(L.H_FRAMES_END)),
    };
  }

  private setPatterns(patterns: readonly string[] | null): void {
    const { kernel } = this;
    kernel.setU32(L.H_PATTERN_COUNT, patterns?.length ?? 0);
    if (patterns === null) return;
    if (patterns.length > PATTERNS_MAX) throw new RangeError(`a key has at most ${PATTERNS_MAX} patterns`);
    // no pattern at all allows no VM: one empty pattern matches none
    if (patterns.length === 0) kernel.setU32(L.H_PATTERN_COUNT, 1);
    let at = kernel.u32(L.H_PATTERNS);
    kernel.bytes[at] = 0;
    for (const pattern of patterns) {
      if (!VM_PATTERN.test(pattern)) throw new RangeError(`not a pattern of VM names: ${pattern}`);
      kernel.bytes[at] = pattern.length;
      kernel.bytes.write(pattern, at + 1, 'latin1');
      at += 1 + pattern.length;
    }
  }

  private errors(n: number): Rejection[] {
    const at = this.kernel.u32(L.H_REJECTS);
    return Array.from({ length: n }, (_, i) => {
      const verdict = this.kernel.u32(at + 8 * i + 4);
      const code = REJECTION_CODES[verdict & 0xff];
      if (code === undefined) throw new Error(`the kernel gave an unknown rejection ${verdict}`);
      return { index: this.kernel.u32(at + 8 * i), code, field: SAMPLE_FIELDS[verdict >> 8] ?? '' };
    });
  }
}
