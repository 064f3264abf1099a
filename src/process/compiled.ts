/**
 * Threads, processes and WebAssembly run what was built, also when the file that starts them is run from its source. What was
 * built lies in two folders of the product's: these are the addresses in them. No file is looked at: whoever loads it finds out.
 */
import { productRoot } from './version.ts';

/** A file of `dist/`, which is the product: `cli/main.js`. */
export function compiledFile(path: string): URL {
  return new URL(`dist/${path}`, productRoot());
}

/** A file of `build/`, which tests and benches alone have: `kernel.debug.wasm`. */
export function toolFile(path: string): URL {
  return new URL(`build/${path}`, productRoot());
}
