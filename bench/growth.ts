/** What throughput and memory do as one thing grows and the rest stays: VMs, samples a request, late samples, outages. */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Report, type Series, summary, type Measured, type Valued } from './harness.ts';
import { type FleetOptions, FleetSource, send } from './load.ts';
import { progress } from './progress.ts';
import { cpuSeconds, quiet, residentMiB, roomFor, startUptally, stored } from './server-process.ts';

export interface GrowthSize {
  readonly fleets: readonly number[];
  readonly requestSizes: readonly number[];
  readonly lateShares: readonly number[];
  readonly outages: readonly number[];
  /** VMs where it is something else that grows */
  readonly vms: number;
  /** samples that are timed at each point */
  readonly samples: number;
}

interface Point {
  readonly vms: number;
  readonly samplesARequest: number;
  readonly samples: number;
  readonly fleet?: FleetOptions;
}

interface Found {
  /** samples a CPU-second of the server */
  readonly rate: number;
  readonly residentMiB: number;
}

export async function growthBench(size: GrowthSize): Promise<Report> {
  const { vms, samples } = size;
  const hash = createHash('sha256');
  const rates: Measured[] = [];
  const values: Valued[] = [];
  const count = size.fleets.length + size.requestSizes.length + size.lateShares.length + size.outages.length;
  let done = 0;
  const walk = async (what: string, xs: readonly number[], pointAt: (x: number) => Point): Promise<[number, Found][]> => {
    const found: [number, Found][] = [];
    for (const x of xs) {
      progress.at(done++, count, `${what}: ${x}`);
      const one = await measured(pointAt(x), (body) => hash.update(body));
      found.push([x, one]);
      rates.push(summary(`${what}: ${x}, samples a CPU-second`, [one.rate]));
      values.push({ ...summary(`${what}: ${x}, resident`, [one.residentMiB]), unit: 'MiB' });
    }
    return found;
  };
  const chart = (id: string, x: Series['x'], found: readonly (readonly [number, Found])[], sentence: string): Series => ({
    id,
    sentence,
    x,
    y: { name: 'thousand samples a CPU-second' },
    lines: [{ name: 'throughput', points: found.map(([at, { rate }]) => [at, Math.round(rate / 100) / 10] as const) }],
  });

  const byFleet = await walk('VMs', size.fleets, (n) => ({ vms: n, samplesARequest: 1000, samples: Math.max(samples, n) }));
  const byRequest = await walk('samples a request', size.requestSizes, (n) => ({ vms, samplesARequest: n, samples: Math.min(samples, n * 20_000) })); // prettier-ignore
  const byLate = await walk('late, %', size.lateShares, (n) => ({ vms, samplesARequest: 1000, samples, fleet: { lateShare: n / 100 } })); // prettier-ignore
  const byOutages = await walk('outages a VM a day', size.outages, (n) => ({ vms, samplesARequest: 1000, samples, fleet: { outagesADay: n } })); // prettier-ignore
  return {
    bench: 'growth',
    question: 'what do throughput and memory do as the fleet, requests, late samples and outages grow?',
    workHash: hash.digest('hex').slice(0, 16),
    work: { vms, samples },
    rates,
    ratios: [],
    values,
    series: [
      chart('vms', { name: 'VMs', logarithmic: true }, byFleet, change('A sample costs', byFleet, 'VMs')),
      {
        ...chart('memory', { name: 'VMs', logarithmic: true }, [], `Memory grows with the fleet, not with the traffic: ${range(byFleet)} MiB`),
        y: { name: 'MiB resident' },
        lines: [{ name: 'resident', points: byFleet.map(([n, { residentMiB: mib }]) => [n, Math.round(mib)] as const) }],
      },
      chart('request-size', { name: 'samples a request', logarithmic: true }, byRequest, change('A sample costs', byRequest, 'a request')),
      chart('late', { name: 'late samples, %' }, byLate, change('A sample costs', byLate, '% late')),
      chart('outages', { name: 'outages a VM a day' }, byOutages, change('A sample costs', byOutages, 'outages a day')),
    ],
  }; // prettier-ignore
}

/** What the first and the last point say, as a sentence. */
function change(subject: string, found: readonly (readonly [number, Found])[], unit: string): string {
  const [first, last] = [found[0], found.at(-1)];
  if (first === undefined || last === undefined) return subject;
  const cost = first[1].rate / last[1].rate;
  return `${subject} ${cost.toFixed(2)} times as much at ${last[0].toLocaleString('en')} ${unit} as at ${first[0].toLocaleString('en')}`;
}

function range(found: readonly (readonly [number, Found])[]): string {
  return found.map(([, { residentMiB: mib }]) => Math.round(mib)).join(' … ');
}

/** One server for a point: warmed with every VM's first samples, then timed. */
async function measured({ vms, samplesARequest, samples, fleet }: Point, hear: (body: Buffer) => void): Promise<Found> {
  const dir = mkdtempSync(join(tmpdir(), 'uptally-growth-'));
  const server = await startUptally(dir, { UPTALLY_MAX_VMS: roomFor(vms) });
  try {
    const source = new FleetSource(vms, fleet);
    const load = { samplesARequest: Math.min(samplesARequest, vms) };
    let sent = 0;
    // late samples only begin to arrive after a while
    const warm = source.next(fleet?.lateShare === undefined || fleet.lateShare === 0 ? 1 : 15, { samplesARequest: Math.min(vms, 1000) });
    await send(warm.waves, server);
    sent += warm.samples;
    await stored(server.url);
    await quiet(server.pid);
    // in parts: a round of a large fleet does not fit in memory twice
    let timed = 0;
    let seconds = 0;
    while (timed < samples) {
      const { waves, samples: made } = source.next(Math.max(1, Math.min(Math.ceil((samples - timed) / vms), Math.ceil(500_000 / vms))), load);
      for (const body of waves.flat(2)) hear(body);
      const before = cpuSeconds(server.pid);
      await send(waves, server);
      await stored(server.url);
      if (timed + made >= samples) await quiet(server.pid);
      seconds += cpuSeconds(server.pid) - before;
      timed += made;
    }
    const { samples: status } = await stored(server.url);
    if (status.applied !== sent + timed) throw new Error(`${status.applied} of ${sent + timed} samples are stored`);
    return { rate: timed / seconds, residentMiB: residentMiB(server.pid).all };
  } finally {
    await server.stop();
    rmSync(dir, { recursive: true, force: true });
  }
} // prettier-ignore
