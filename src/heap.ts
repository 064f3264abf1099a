/** How the collector of this process is set up. */
import { setFlagsFromString } from 'node:v8';

/**
 * Lets the heap grow to twice what lived at the last major collection before the next one. The bytes of requests lie outside the
 * heap but count for its size, and go with the next minor collection; by itself V8 collects everything after some 18 MB of them, twice
 * in a second of load, which took a tenth of the server's CPU time at 1,000 samples a request. To be called before threads begin.
 */
export function letHeapGrow(): void {
  setFlagsFromString('--heap-growing-percent=100');
}
