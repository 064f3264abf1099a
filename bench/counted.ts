/**
 * The kernel with a counter of executed instructions: the same WASM, in which every stretch of instructions without a branch adds its length to
 * a global before it runs. What it counts depends on the program and its input alone: not on the machine, nor on what else runs there.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { compiledFile, toolFile } from '../src/process/compiled.ts';

/** The name under which the count is exported: an i64 global that may be set to 0. */
export const COUNT_EXPORT = 'instructionsExecuted';

const GLOBAL_SECTION = 6;
const EXPORT_SECTION = 7;
const CODE_SECTION = 10;

class Reader {
  at = 0;
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  byte(): number {
    const byte = this.bytes[this.at++];
    if (byte === undefined) throw new Error('the module ends too early');
    return byte;
  }

  u32(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.byte();
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value;
    }
  }

  skipLeb(): void {
    while (this.byte() >= 128);
  }

  take(length: number): Uint8Array {
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }
}

function leb(value: number): number[] {
  const bytes: number[] = [];
  for (; value >= 128; value = Math.floor(value / 128)) bytes.push((value % 128) + 128);
  return [...bytes, value];
}

function signedLeb(value: number): number[] {
  const bytes: number[] = [];
  for (; value >= 64; value = Math.floor(value / 128)) bytes.push((value % 128) + 128);
  return [...bytes, value];
}

/** Skips what follows the opcode of an instruction. */
function skipImmediates(r: Reader, op: number): void {
  if (op === 0x0e) {
    for (let n = r.u32() + 1; n > 0; n--) r.skipLeb();
  } else if (op === 0x11 || (op >= 0x28 && op <= 0x3e)) {
    r.skipLeb();
    r.skipLeb();
  } else if ((op >= 0x02 && op <= 0x04) || op === 0x0c || op === 0x0d || op === 0x10 || (op >= 0x20 && op <= 0x26)) {
    r.skipLeb();
  } else if (op >= 0x3f && op <= 0x42) r.skipLeb();
  else if (op === 0x43) r.take(4);
  else if (op === 0x44) r.take(8);
  else if (op === 0xfc) {
    const sub = r.u32();
    if (sub === 8 || sub === 10) r.take(2);
    else if (sub === 9 || sub === 11) r.take(1);
    else if (sub > 7) throw new Error(`an instruction that the counter does not know: fc ${sub}`);
  } else if (op === 0xfd) skipVector(r);
  else if (op === 0x1c || op >= 0xd0) throw new Error(`an instruction that the counter does not know: ${op.toString(16)}`);
}

function skipVector(r: Reader): void {
  const sub = r.u32();
  if (sub <= 11 || sub === 92 || sub === 93) {
    r.skipLeb();
    r.skipLeb();
  } else if (sub === 12 || sub === 13) r.take(16);
  else if (sub >= 21 && sub <= 34) r.take(1);
  else if (sub >= 84 && sub <= 91) {
    r.skipLeb();
    r.skipLeb();
    r.take(1);
  }
}

// block, loop, else, end and nop do nothing of their own
const SILENT = new Set([0x01, 0x02, 0x03, 0x05, 0x0b]);
// after these the next instruction is not run as often as the one before
const BOUNDARY = new Set([0x00, 0x03, 0x04, 0x05, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f]);

function countedBody(body: Uint8Array, counter: number): number[] {
  const r = new Reader(body);
  for (let groups = r.u32(); groups > 0; groups--) {
    r.skipLeb();
    r.take(1);
  }
  const out = [...body.subarray(0, r.at)];
  let from = r.at;
  let count = 0;
  while (r.at < body.length) {
    const op = r.byte();
    skipImmediates(r, op);
    if (!SILENT.has(op)) count++;
    if (!BOUNDARY.has(op)) continue;
    if (count > 0) out.push(0x23, ...leb(counter), 0x42, ...signedLeb(count), 0x7c, 0x24, ...leb(counter));
    for (const byte of body.subarray(from, r.at)) out.push(byte);
    from = r.at;
    count = 0;
  }
  return out;
}

/** The module with the counter in it. It must import no global. */
export function countInstructions(module: Uint8Array): Uint8Array {
  const r = new Reader(module);
  const out = [...r.take(8)];
  let counter = 0;
  while (r.at < module.length) {
    const id = r.byte();
    const section = new Reader(r.take(r.u32()));
    let content = [...section.bytes];
    if (id === GLOBAL_SECTION) {
      counter = section.u32();
      content = [...leb(counter + 1), ...section.bytes.subarray(section.at), 0x7e, 1, 0x42, 0, 0x0b];
    } else if (id === EXPORT_SECTION) {
      const n = section.u32();
      const name = Buffer.from(COUNT_EXPORT, 'latin1');
      content = [...leb(n + 1), ...section.bytes.subarray(section.at), ...leb(name.length), ...name, 3, ...leb(counter)];
    } else if (id === CODE_SECTION) {
      const n = section.u32();
      content = leb(n);
      for (let i = 0; i < n; i++) {
        const body = countedBody(section.take(section.u32()), counter);
        content.push(...leb(body.length));
        for (const byte of body) content.push(byte);
      }
    }
    out.push(id, ...leb(content.length));
    for (const byte of content) out.push(byte);
  }
  return Uint8Array.from(out);
}

/** Writes build/kernel.counted.wasm, which `new Kernel(…, 'counted')` loads. */
export function buildCounted(): void {
  mkdirSync(toolFile('.'), { recursive: true });
  writeFileSync(toolFile('kernel.counted.wasm'), countInstructions(readFileSync(compiledFile('kernel.wasm'))));
}
