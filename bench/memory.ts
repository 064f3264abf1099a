/**
 * The resident memory of the whole server while a fleet sends at its usual pace, by the wall clock, and whether it grows: the slope of the
 * second half. What is resident counts all: pages of the log's file too, which the system could take back.
 */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Report, summary } from './harness.ts';
import { INTERVAL_MS, openLoop, percentile } from './load.ts';
import { progress } from './progress.ts';
import { cpuSeconds, residentMiB, roomFor, startUptally, stored } from './server-process.ts';

const SAMPLES_A_REQUEST = 100;
const SECOND_MS = 1000;

export async function memoryBench({ vms, seconds }: { readonly vms: number; readonly seconds: number }): Promise<Report> {
  const dir = mkdtempSync(join(tmpdir(), 'uptally-memory-'));
  const server = await startUptally(dir, { UPTALLY_CLOCK: 'wall', UPTALLY_RETENTION_DAYS: '90', UPTALLY_MAX_VMS: roomFor(vms) });
  try {
    const requestsASecond = vms / SAMPLES_A_REQUEST / (INTERVAL_MS / 1000);
    const requests = Math.round(requestsASecond * seconds);
    const rx = new Float64Array(vms);
    const body = (request: number): Buffer => {
      const first = (request * SAMPLES_A_REQUEST) % vms;
      const now = Date.now();
      let text = '';
      for (let i = first; i < first + SAMPLES_A_REQUEST; i++) {
        const bytes = (rx[i] ?? 0) + 1_000_000 + ((i * 7919 + request) % 99_991);
        rx[i] = bytes;
        text += `{"vm":"vm-${String(i).padStart(6, '0')}","ts":${now},"nic":"eth0","rx_bytes":${bytes},"tx_bytes":${bytes >> 2}}\n`;
      }
      return Buffer.from(text, 'latin1');
    };
    const seen: { s: number; all: number; own: number }[] = [];
    const startMs = performance.now();
    const cpuBefore = cpuSeconds(server.pid);
    const watch = setInterval(() => {
      const s = (performance.now() - startMs) / 1000;
      seen.push({ s, ...residentMiB(server.pid) });
      progress.at(Math.min(seconds, Math.round(s)), seconds, 'sending at the pace of the fleet');
    }, SECOND_MS);
    let latencies: Float64Array;
    try {
      latencies = await openLoop(server.url, { requestsASecond, requests }, body);
    } finally {
      clearInterval(watch);
    }
    seen.push({ s: (performance.now() - startMs) / 1000, ...residentMiB(server.pid) });
    const cpu = (cpuSeconds(server.pid) - cpuBefore) / ((performance.now() - startMs) / 1000);
    const { samples } = await stored(server.url);
    if (samples.applied !== requests * SAMPLES_A_REQUEST) throw new Error(`${samples.applied} of ${requests * SAMPLES_A_REQUEST} samples are stored`);
    const half = seen.filter(({ s }) => s >= seconds / 2);
    const slope = (of: 'all' | 'own'): number => slopeOf(half.map((each) => [each.s / 60, each[of]]));
    return {
      bench: 'memory',
      question: 'how much memory does the server take at a steady load, and does it grow?',
      workHash: createHash('sha256').update(`${vms} ${requests} ${samples.applied}`).digest('hex').slice(0, 16),
      work: { vms, samplesASecond: Math.round(requestsASecond * SAMPLES_A_REQUEST), seconds, samples: samples.applied },
      rates: [],
      times: [summary('answer, p50', [percentile(latencies, 0.5)]), summary('answer, p99', [percentile(latencies, 0.99)])],
      ratios: [],
      values: [
        { ...summary('resident, median of the second half', half.map(({ all }) => all)), unit: 'MiB' },
        { ...summary('of it not pages of files', half.map(({ own }) => own)), unit: 'MiB' },
        { ...summary('resident, slope of the second half', [slope('all')]), unit: 'MiB a minute' },
        { ...summary('not pages of files, slope of the second half', [slope('own')]), unit: 'MiB a minute' },
        { ...summary('cores in use', [cpu]), unit: 'cores' },
      ],
      series: [
        {
          id: 'over time',
          sentence: `Resident memory at ${vms} VMs with a sample every 10 s`,
          x: { name: 'seconds' },
          y: { name: 'MiB' },
          lines: [
            { name: 'resident', points: seen.map(({ s, all }) => [Math.round(s), Math.round(all)] as const) },
            { name: 'not pages of files', points: seen.map(({ s, own }) => [Math.round(s), Math.round(own)] as const) },
          ],
        },
      ],
    };
  } finally {
    await server.stop();
    rmSync(dir, { recursive: true, force: true });
  }
} // prettier-ignore

/** Least squares. */
function slopeOf(points: readonly (readonly [number, number])[]): number {
  const mean = (at: 0 | 1): number => points.reduce((sum, point) => sum + point[at], 0) / points.length;
  const [x, y] = [mean(0), mean(1)];
  const over = points.reduce((sum, point) => sum + (point[0] - x) * (point[1] - y), 0);
  const under = points.reduce((sum, point) => sum + (point[0] - x) ** 2, 0);
  return under === 0 ? 0 : over / under;
}
