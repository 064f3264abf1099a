/** From a body's bytes to minute rows through the two kernels of the product, as a bench runs them. */
import { type BodyFormat, Decoder, SAMPLES_MAX } from '../src/kernel/decoder.ts';
import { type Build, Kernel } from '../src/kernel/kernel.ts';
import { COUNTER_WORDS, LAYOUT as L, OUTPUTS, type Output } from '../src/kernel/layout.ts';
import { samplesRecord } from '../src/log/record.ts';
import { COUNT_EXPORT } from './counted.ts';
import { readRows, type MinuteRows } from './rows.ts';

const ALL_OUTPUTS = Object.keys(OUTPUTS) as Output[];
const AGENT = 'bench';
const NO_FRAMES = new Uint8Array(0);
/** The clock of the door: after every sample of the workload. */
const NOW_MS = 1_767_225_600_000 + 86_400_000;

/** The kernel's way: the door's decoder, a log record, the aggregator's kernel, rows drained. */
export class KernelPath {
  readonly decoder: Decoder;
  readonly kernel: Kernel;
  private readonly rows = new Map<Output, Uint8Array[]>(ALL_OUTPUTS.map((output) => [output, []]));
  private seq = 0;
  archivedBytes = 0;

  /** @param slotsAVm for what counts: an interface takes one, a chain of a host or half two */
  constructor(vms: number, build: Build = 'release', slotsAVm = 1) {
    this.decoder = new Decoder(build);
    const recordBytes = SAMPLES_MAX * 136 + 128;
    this.kernel = new Kernel(
      {
        vms,
        nics: slotsAVm * vms,
        plans: 16,
        phases: 16,
        inputBytes: recordBytes,
        framesBytes: 64,
        outputBytes: 2 << 20,
      },
      build,
    );
    this.kernel.setConstants({ stalenessMs: 90_000, latenessMs: 120_000, linkLimitBps: 100_000_000_000n, clock: 'wall' });
    this.kernel.setU32(L.H_ARCHIVE, 1);
  }

  /** Of the kernels that count their instructions: the counter. */
  counter(kernel: 'door' | 'aggregator'): { value: bigint } {
    const { exports } = kernel === 'door' ? this.decoder.kernel : this.kernel;
    return (exports as unknown as Record<string, { value: bigint }>)[COUNT_EXPORT] ?? { value: 0n };
  }

  forget(): void {
    this.kernel.exports.forgetAll();
    this.kernel.setCounters([]);
    for (const chunks of this.rows.values()) chunks.length = 0;
    this.seq = 0;
    this.archivedBytes = 0;
  }

  decode(body: Uint8Array, format: BodyFormat = 'ndjson'): { accepted: number; frames: Uint8Array } {
    const answer = this.decoder.decode([body], format, { nowMs: NOW_MS, oldestMs: 0, patterns: null });
    if (answer.outcome !== 'decoded' || answer.rejected > 0) throw new Error('the workload is not valid');
    return answer;
  }

  /** A body all the way. The log between the two kernels is left out: the record is laid straight into the input of the second. */
  take(body: Uint8Array, format: BodyFormat = 'ndjson'): void {
    const { accepted, frames } = this.decode(body, format);
    this.aggregate(accepted, frames);
  }

  aggregate(count: number, frames: Uint8Array): void {
    const { kernel } = this;
    const head = samplesRecord(AGENT, count, NO_FRAMES);
    const envelope = kernel.u32(L.H_INPUT);
    const record = envelope + L.ENVELOPE;
    const size = head.length + frames.length;
    kernel.setU32(envelope, size);
    kernel.setU32(envelope + 4, 0);
    kernel.setU64(envelope + 8, BigInt(this.seq++));
    kernel.bytes.set(head, record);
    kernel.bytes.set(frames, record + head.length);
    kernel.setU32(L.H_CURSOR, envelope);
    kernel.setU32(L.H_CURSOR_END, record + ((size + 7) & ~7));
    for (;;) {
      const again = kernel.exports.aggregate() !== 0;
      for (const output of ALL_OUTPUTS) this.drain(output);
      if (!again) return;
    }
  }

  /** Minute rows are kept, as the baseline keeps its own; the archive's rows, which it does not make, are counted and let go. */
  private drain(output: Output): void {
    if (output !== 'samples') {
      const rows = this.kernel.drain(output);
      if (rows.length > 0) this.rows.get(output)?.push(rows);
      return;
    }
    const at = L.H_OUT + 16 * OUTPUTS.samples;
    const start = this.kernel.u32(at);
    this.archivedBytes += this.kernel.u32(at + 4) - start;
    this.kernel.setU32(at + 4, start);
  }

  /** Every sample new and taken in: what was timed is the work that was meant. */
  check(samples: number): number {
    if (this.kernel.counters().join() !== [samples, ...Array<number>(COUNTER_WORDS - 1).fill(0)].join()) {
      throw new Error(`the kernel took the samples otherwise: ${this.kernel.counters().join(' ')}`);
    }
    return samples;
  }

  minuteRows(): MinuteRows {
    return readRows(this.rows.get('uptime') ?? [], this.rows.get('traffic') ?? []);
  }
}
