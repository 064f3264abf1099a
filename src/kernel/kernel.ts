/**
 * One instance of the WASM kernel. Only this folder touches WebAssembly. The memory is sized once for the capacities asked for and never
 * grows, so views made at load stay valid.
 */
import { readFileSync } from 'node:fs';
import { compiledFile, toolFile } from '../process/compiled.ts';
import { COUNTERS, COUNTER_WORDS, LAYOUT as L, LAYOUT_FOLD, OUTPUTS, type Output } from './layout.ts';

/** How much a kernel must hold; every number is a limit that is checked where names or plans come in. */
export interface Capacity {
  readonly vms: number;
  readonly nics: number;
  readonly plans: number;
  readonly phases: number;
  readonly inputBytes: number;
  readonly framesBytes: number;
  readonly outputBytes: number;
}

/** The constants of SPEC §2 and §8 that decide what rows mean. */
export interface MeteringConstants {
  readonly stalenessMs: number;
  readonly latenessMs: number;
  readonly linkLimitBps: bigint;
  readonly clock: 'wall' | 'event';
}

interface Exports {
  layoutFold(): number;
  memoryNeeded(...capacity: number[]): number;
  initialise(...capacity: number[]): void;
  /** `mode` is the place in BODY_FORMATS, or ARCHIVED_LINES. */
  decode(length: number, mode: number): number;
  aggregate(): number;
  settle(): number;
  touch(vmSlot: number): void;
  findVm(name: number, length: number): number;
  internVm(name: number, length: number): number;
  internNic(vmSlot: number, name: number, length: number, hostLength: number, part: number): number;
  forgetAll(): void;
  /** Gives back the slots of VMs whose flags say FLAG_FORGOTTEN. */
  forgetFlagged(): void;
  reindex(): void;
  clearCatalog(): void;
  beginZone(points: number): number;
  addZonePoint(zone: number, minute: number, offset: number): void;
  setPlan(slot: number, priceLow: number, priceHigh: number, per: number, mask: number, zone: number): number;
  writeMinute(vmSlot: number, minute: number, parts: number): void;
  addPhase(vmSlot: number, fromLow: number, fromHigh: number, plan: number): number;
}

const modules = new Map<Build, WebAssembly.Module>();

function moduleOf(build: Build): WebAssembly.Module {
  let module = modules.get(build);
  if (module === undefined) {
    const file = build === 'release' ? compiledFile('kernel.wasm') : toolFile(`kernel.${build}.wasm`);
    module = new WebAssembly.Module(readFileSync(file));
    modules.set(build, module);
  }
  return module;
}

/** The mode of `decode` for lines that the archive gave back, as it holds what versions before let in. */
export const ARCHIVED_LINES = 3;

export type Build = 'release' | 'debug' | 'counted';

export class Kernel {
  readonly exports: Exports;
  readonly bytes: Buffer;
  readonly view: DataView;
  readonly capacity: Capacity;

  /** @param build the release kernel, the one with assertions for tests, or the one that counts its instructions (bench/counted.ts) */
  constructor(capacity: Capacity, build: Build = 'release') {
    const memory = new WebAssembly.Memory({ initial: 2, maximum: 65536 });
    const abort = (_message: number, _file: number, line: number, column: number): never => {
      throw new Error(`kernel assertion failed at ${line}:${column}`);
    };
    const instance = new WebAssembly.Instance(moduleOf(build), { env: { memory, abort } });
    this.exports = instance.exports as unknown as Exports;
    if (this.exports.layoutFold() >>> 0 !== LAYOUT_FOLD) {
      throw new Error('the kernel was built from another memory layout than src/kernel/layout.gen.ts: run npm run build');
    }
    const sizes = [
      capacity.vms,
      capacity.nics,
      capacity.plans,
      capacity.phases,
      capacity.inputBytes,
      capacity.framesBytes,
      capacity.outputBytes,
    ];
    const pages = this.exports.memoryNeeded(...sizes) >>> 0;
    if (pages > 65536) throw new Error(`the capacity asked for needs ${Math.ceil(pages / 16)} MiB; a kernel can hold 4096 MiB`);
    memory.grow(Math.max(0, pages - 2));
    this.exports.initialise(...sizes);
    this.bytes = Buffer.from(memory.buffer);
    this.view = new DataView(memory.buffer);
    this.capacity = capacity;
  }

  u32(address: number): number {
    return this.view.getUint32(address, true);
  }

  setU32(address: number, value: number): void {
    this.view.setUint32(address, value, true);
  }

  i64(address: number): bigint {
    return this.view.getBigInt64(address, true);
  }

  setI64(address: number, value: bigint): void {
    this.view.setBigInt64(address, value, true);
  }

  u64(address: number): bigint {
    return this.view.getBigUint64(address, true);
  }

  setU64(address: number, value: bigint): void {
    this.view.setBigUint64(address, value, true);
  }

  /** Writes the terms that aggregation goes by. Call once, before the first record. */
  setConstants(constants: MeteringConstants): void {
    this.setI64(L.H_STALENESS, BigInt(constants.stalenessMs));
    this.setI64(L.H_LATENESS, BigInt(constants.latenessMs));
    this.setU64(L.H_LINK_BPS, constants.linkLimitBps);
    this.setU64(L.H_LINK_BYTES_MS, constants.linkLimitBps / 8000n);
    this.setU32(L.H_EVENT_CLOCK, constants.clock === 'event' ? 1 : 0);
  }

  /** A copy of what an output holds; the output is empty afterwards. */
  drain(output: Output): Uint8Array {
    const at = L.H_OUT + 16 * OUTPUTS[output];
    const start = this.u32(at);
    const copy = new Uint8Array(this.bytes.subarray(start, this.u32(at + 4)));
    this.setU32(at + 4, start);
    return copy;
  }

  counter(name: keyof typeof COUNTERS): bigint {
    return this.u64(L.H_COUNTERS + 8 * COUNTERS[name]);
  }

  addToCounter(name: keyof typeof COUNTERS, n: bigint): void {
    const at = L.H_COUNTERS + 8 * COUNTERS[name];
    this.setU64(at, this.u64(at) + n);
  }

  setCounter(name: keyof typeof COUNTERS, n: bigint): void {
    this.setU64(L.H_COUNTERS + 8 * COUNTERS[name], n);
  }

  counters(): bigint[] {
    return Array.from({ length: COUNTER_WORDS }, (_, i) => this.u64(L.H_COUNTERS + 8 * i));
  }

  setCounters(values: readonly bigint[]): void {
    for (let i = 0; i < COUNTER_WORDS; i++) this.setU64(L.H_COUNTERS + 8 * i, values[i] ?? 0n);
  }

  /** The clock minus the allowed lateness. */
  watermarkMs(): number {
    return Number(this.i64(L.H_CLOCK) - this.i64(L.H_LATENESS));
  }
}
