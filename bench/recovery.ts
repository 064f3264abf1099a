/** From SIGKILL back to work: how long a start takes with the state of a fleet in the checkpoint and a tail of the log to do again. */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Measured, type Report, summary, type Valued } from './harness.ts';
import { FleetSource, send } from './load.ts';
import { progress } from './progress.ts';
import { roomFor, type Server, sleep, startUptally, stored } from './server-process.ts';

export interface RecoverySize {
  readonly fleets: readonly number[];
  /** samples in the tail of the log, whatever the fleet */
  readonly tail: number;
  readonly rounds: number;
}

export async function recoveryBench({ fleets, tail, rounds }: RecoverySize): Promise<Report> {
  const times: Measured[] = [];
  const values: Valued[] = [];
  const hash = createHash('sha256');
  const ready: [number, number][] = [];
  const caughtUp: [number, number][] = [];
  let done = 0;
  for (const vms of fleets) {
    const dir = mkdtempSync(join(tmpdir(), 'uptally-recovery-'));
    // no checkpoint but that of an orderly end: the tail is what we make it
    const env = { UPTALLY_CHECKPOINT_INTERVAL_MS: '3600000', UPTALLY_MAX_VMS: roomFor(vms) };
    let server: Server | undefined;
    try {
      const source = new FleetSource(vms);
      const load = { samplesARequest: Math.min(vms, 1000) };
      let sent = 0;
      const feed = async (to: Server, samples: number): Promise<void> => {
        const made = source.next(Math.max(1, Math.ceil(samples / vms)), load);
        for (const body of made.waves.flat(2)) hash.update(body);
        await send(made.waves, to);
        sent += made.samples;
      };
      const readyMs: number[] = [];
      const storedMs: number[] = [];
      const left: number[] = [];
      for (let round = 0; round < rounds; round++) {
        progress.at(done++, fleets.length * rounds, `${vms} VMs`);
        server = await startUptally(dir, env);
        await feed(server, vms);
        await stored(server.url);
        await server.stop();
        server = await startUptally(dir, env);
        await untilReady(server.url);
        await feed(server, tail);
        await server.kill();
        const startMs = performance.now();
        server = await startUptally(dir, env);
        await untilReady(server.url);
        readyMs.push(performance.now() - startMs);
        const status = await stored(server.url);
        storedMs.push(performance.now() - startMs);
        left.push(tail);
        if (status.samples.applied !== sent)
          throw new Error(`${sent} samples were answered 202, and after the kill ${status.samples.applied} are stored`);
        await server.stop();
        server = undefined;
      }
      times.push(summary(`${vms} VMs: from the start to ready`, readyMs));
      times.push(summary(`${vms} VMs: from the start to everything stored`, storedMs));
      values.push({ ...summary(`${vms} VMs: samples after the checkpoint`, left), unit: 'samples' });
      ready.push([vms, summary('', readyMs).median / 1000]);
      caughtUp.push([vms, summary('', storedMs).median / 1000]);
    } finally {
      await server?.kill();
      rmSync(dir, { recursive: true, force: true });
    }
  }
  return {
    bench: 'recovery',
    question: 'how long after SIGKILL is the server ready again, and when is everything answered before it stored?',
    workHash: hash.digest('hex').slice(0, 16),
    work: { fleets: fleets.join(' '), tail },
    rates: [],
    times,
    ratios: [],
    values,
    series: [
      {
        id: 'by fleet',
        sentence: `Seconds from a start after SIGKILL, ${tail} samples behind the last checkpoint`,
        x: { name: 'VMs', logarithmic: true },
        y: { name: 'seconds' },
        lines: [
          { name: 'ready', points: ready },
          { name: 'everything stored', points: caughtUp },
        ],
      },
    ],
  };
}

async function untilReady(url: string): Promise<void> {
  while (!(await fetch(`${url}/readyz`)).ok) await sleep(10);
}
