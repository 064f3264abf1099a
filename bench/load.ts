/** The load: what a fleet's agents send, as fast as answers come (send) or when it is due (openLoop). */
import { Client, type Dispatcher, Pool } from 'undici';
import { gzipSync } from 'node:zlib';
import { KEY, sleep } from './server-process.ts';

/** One connection a host: what waits for a flush together is flushed together. A VM's samples come over the same one, in order. */
export const CONNECTIONS = 100;
export const START_MS = 1_767_225_600_000;
export const INTERVAL_MS = 10_000;
/** How much later a late sample is sent: more than the lateness that is allowed (two minutes) behind the newest. */
const LATE_INTERVALS = 14;
const INTERVALS_A_DAY = 86_400_000 / INTERVAL_MS;
/** A fleet sends in step: no connection is ahead of the others by more than what a sample may be late. */
const INTERVALS_A_WAVE = 10;

/** Bodies by connection, in the order in which each sends them; a wave is sent when the one before is answered. */
export type Wave = readonly (readonly Buffer[])[];

export interface Load {
  readonly samplesARequest: number;
  readonly gzip?: boolean;
}

export interface FleetOptions {
  /** share of samples sent two minutes late, 0 … 1 */
  readonly lateShare?: number;
  /** outages of a minute that every VM has in a day, spread over the fleet */
  readonly outagesADay?: number;
  readonly format?: 'ndjson' | 'prometheus';
}

/** Makes the samples of a fleet, going on in time from call to call: no sample comes twice, whatever the round. */
export class FleetSource {
  readonly #vms: number;
  readonly #rx: Float64Array;
  readonly #options: FleetOptions;
  #interval = 0;
  #x = 88_675_123;
  /** Lines to be sent with a later interval, by interval and VM. */
  readonly #late = new Map<number, Map<number, string>>();

  constructor(vms: number, options: FleetOptions = {}) {
    this.#vms = vms;
    this.#options = options;
    this.#rx = Float64Array.from({ length: vms }, (_, i) => 2e15 + i * 7_919_113);
  }

  /** The instant of the last sample of VM 0, which sends at whole tens of seconds. */
  get lastMs(): number {
    return START_MS + (this.#interval - 1) * INTERVAL_MS;
  }

  /** The next samples of every VM, and how many they are. */
  next(intervals: number, load: Load): { waves: Wave[]; samples: number } {
    const waves: Wave[] = [];
    let samples = 0;
    for (let left = intervals; left > 0; left -= INTERVALS_A_WAVE) {
      const wave = this.#wave(Math.min(INTERVALS_A_WAVE, left), load);
      waves.push(wave.bodies);
      samples += wave.samples;
    }
    return { waves, samples };
  }

  #wave(intervals: number, { samplesARequest, gzip = false }: Load): { bodies: Wave; samples: number } {
    const bodies = Array.from({ length: CONNECTIONS }, (): Buffer[] => []);
    let samples = 0;
    const add = (lines: readonly string[], connection: number): void => {
      if (lines.length === 0) return;
      const body = Buffer.from(lines.join(''), 'latin1');
      bodies[connection % CONNECTIONS]?.push(gzip ? gzipSync(body, { level: 1 }) : body);
      samples += lines.length;
    };
    // a request that holds more than all VMs' samples goes on with those of the next interval
    let lines: string[] = [];
    for (const end = this.#interval + intervals; this.#interval < end; this.#interval++) {
      const late = this.#late.get(this.#interval);
      for (let first = 0; first < this.#vms; first += samplesARequest) {
        for (let i = first; i < Math.min(first + samplesARequest, this.#vms); i++) {
          // what an agent could not send in time goes with what it sends next: requests stay as many as they are
          const due = late?.get(i);
          if (due !== undefined) lines.push(due);
          const line = this.#line(i);
          if (this.#isLate()) this.#later(i, line);
          else lines.push(line);
        }
        if (lines.length < samplesARequest && samplesARequest > this.#vms && this.#interval + 1 < end) continue;
        add(lines, first / samplesARequest);
        lines = [];
      }
      this.#late.delete(this.#interval);
    }
    return { bodies, samples };
  }

  #random(): number {
    this.#x = (Math.imul(this.#x, 1_664_525) + 1_013_904_223) >>> 0;
    return this.#x;
  }

  #isLate(): boolean {
    const { lateShare = 0 } = this.#options;
    return lateShare > 0 && this.#random() / 2 ** 32 < lateShare;
  }

  #later(vm: number, line: string): void {
    const at = this.#interval + LATE_INTERVALS;
    const lines = this.#late.get(at) ?? new Map<number, string>();
    this.#late.set(at, lines.set(vm, line));
  }

  #line(i: number): string {
    const rx = (this.#rx[i] ?? 0) + (this.#random() >>> 8);
    this.#rx[i] = rx;
    const ts = START_MS + this.#interval * INTERVAL_MS + Math.floor((i * INTERVAL_MS) / this.#vms);
    const vm = `vm-${String(i).padStart(6, '0')}`;
    const tx = rx - 1e15;
    if (this.#options.format === 'prometheus')
      return `vm_rx_bytes{vm="${vm}",nic="eth0"} ${rx} ${ts}\nvm_tx_bytes{vm="${vm}",nic="eth0"} ${tx} ${ts}\nvm_up{vm="${vm}"} 1 ${ts}\n`;
    const down = this.#isDown(i) ? ',"state":"down"' : '';
    return `{"vm":"${vm}","ts":${ts},"nic":"eth0","rx_bytes":${rx},"tx_bytes":${tx}${down}}\n`;
  }

  #isDown(i: number): boolean {
    const { outagesADay = 0 } = this.#options;
    if (outagesADay === 0) return false;
    const period = Math.floor(INTERVALS_A_DAY / outagesADay);
    return (this.#interval + ((i * 7919) % period)) % period < 6;
  }
}

/** The bodies in the order of time, not by connection. */
export function inTime(waves: readonly Wave[]): Buffer[] {
  return waves.flatMap((wave) => {
    const turns = Math.max(...wave.map((bodies) => bodies.length));
    return Array.from({ length: turns }, (_, turn) => wave.flatMap((bodies) => bodies[turn] ?? [])).flat();
  });
}

export interface Destination {
  readonly url: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const PATIENCE = { headersTimeout: 120_000, bodyTimeout: 120_000, pipelining: 1 } as const;
const NDJSON = { authorization: `Bearer ${KEY}`, 'content-type': 'application/x-ndjson' } as const;

/**
 * Sends every body, each connection one after the other; resolves to the seconds from the first byte to the last answer, summed over the
 * waves. Connections stay open for all of them, as agents keep theirs. Throws unless every answer is 2xx.
 */
export async function send(waves: readonly Wave[], to: Destination, gzip = false): Promise<number> {
  const headers = { ...(to.headers ?? NDJSON), ...(gzip ? { 'content-encoding': 'gzip' } : {}) };
  const path = to.path ?? '/v1/samples';
  const connections = Array.from({ length: Math.max(...waves.map(({ length }) => length)) }, () => new Client(to.url, PATIENCE));
  let seconds = 0;
  try {
    for (const wave of waves) {
      const startMs = performance.now();
      await Promise.all(
        connections.map(async (connection, i) => {
          for (const body of wave[i] ?? []) await post(connection, { method: 'POST', path, headers, body });
        }),
      );
      seconds += (performance.now() - startMs) / 1000;
    }
  } finally {
    await Promise.all(connections.map((each) => each.destroy()));
  }
  return seconds;
}

/** One request, with as little work as possible: the load shares the machine with what it measures. */
function post(connection: Client, request: Dispatcher.DispatchOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    let status = 0;
    let text = '';
    connection.dispatch(request, {
      onRequestStart: () => undefined, // by this a handler is told from those of older versions
      onResponseStart(_controller, statusCode) {
        status = statusCode;
      },
      onResponseData(_controller, chunk) {
        if (status > 299) text += chunk.toString();
      },
      onResponseEnd() {
        if (status >= 200 && status < 300) resolve();
        else reject(new Error(`answered ${status}: ${text}`));
      },
      onResponseError(_controller, error) {
        reject(error);
      },
    });
  });
}

/** The same body over and over, each connection as soon as it is answered, for so long; the connections stay open. */
export async function closedLoop(
  url: string,
  { connections, seconds }: { readonly connections: number; readonly seconds: number },
  body: Buffer,
): Promise<{ readonly answers: number; readonly seconds: number }> {
  const clients = Array.from({ length: connections }, () => new Client(url, PATIENCE));
  const startMs = performance.now();
  const endMs = startMs + seconds * 1000;
  let answers = 0;
  try {
    await Promise.all(
      clients.map(async (client) => {
        while (performance.now() < endMs) {
          await post(client, { method: 'POST', path: '/v1/samples', headers: NDJSON, body });
          answers += 1;
        }
      }),
    );
  } finally {
    await Promise.all(clients.map((each) => each.destroy()));
  }
  return { answers, seconds: (performance.now() - startMs) / 1000 };
}

/**
 * Sends requests at a fixed rate whatever the answers do, and measures each from when it was due: a server that stalls makes all that fall
 * due meanwhile late, which a load that waits for answers would never see. `body` is asked for at that moment. Milliseconds, sorted.
 */
export async function openLoop(
  url: string,
  { requestsASecond, requests }: { readonly requestsASecond: number; readonly requests: number },
  body: (request: number) => Buffer,
): Promise<Float64Array> {
  // more connections than could ever wait, so that none waits here for another
  const pool = new Pool(url, { connections: 512, pipelining: 1, headersTimeout: 60_000 });
  const latencies = new Float64Array(requests);
  const open = new Set<Promise<void>>();
  let failure: Error | undefined;
  const one = async (request: number, dueMs: number): Promise<void> => {
    const answer = await pool.request({ path: '/v1/samples', method: 'POST', headers: NDJSON, body: body(request) });
    const text = await answer.body.text();
    if (answer.statusCode !== 202) throw new Error(`answered ${answer.statusCode}: ${text}`);
    latencies[request] = performance.now() - dueMs;
  };
  const startMs = performance.now() + 50;
  try {
    for (let next = 0; next < requests;) {
      for (const now = performance.now(); next < requests; next++) {
        const dueMs = startMs + (next * 1000) / requestsASecond;
        if (dueMs > now) break;
        const sent = one(next, dueMs)
          .catch((error: unknown) => {
            failure ??= error instanceof Error ? error : new Error(String(error));
          })
          .finally(() => open.delete(sent));
        open.add(sent);
      }
      if (failure !== undefined) throw failure;
      await sleep(1);
    }
    await Promise.all(open);
    if (failure !== undefined) throw failure;
  } finally {
    await pool.destroy();
  }
  return latencies.sort();
}

/** The value below which a share of the sorted values lies. */
export function percentile(sorted: Float64Array, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? NaN;
}
