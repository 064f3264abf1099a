/**
 * How long does one question about a month of one VM take, over HTTP, in a fleet of 10,000 VMs with a row a minute? The server is a process
 * of its own on the embedded ClickHouse; every question is about another VM, so that no answer lies ready in a cache. Unfair would be one VM
 * asked again and again, a table with nothing else in it, or rows laid out VM by VM (see fleet.ts). Sums are compared across steps first.
 */
import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { compiledFile } from '../src/process/compiled.ts';
import { FLEET_SERVER, fleetFolder, type FleetSize, makeFleet, settled, vmName } from './fleet.ts';
import { type Report, summary } from './harness.ts';
import { KEY, start } from './server-process.ts';

const RANGE = 'from=2026-02-28T16:00:00Z&to=2026-03-31T16:00:00Z';
const TZ = '&tz=Asia/Taipei';
const QUESTIONS: readonly (readonly [name: string, path: string])[] = [
  ...(['month', 'day', 'hour'] as const).flatMap((step) => [
    [`uptime by ${step}`, `/uptime?${RANGE}&step=${step}${TZ}`] as const,
    [`traffic by ${step}`, `/traffic?${RANGE}&step=${step}${TZ}`] as const,
  ]),
  ['uptime by minute, a page of 10,000', `/uptime?${RANGE}&step=minute`],
  ['traffic by minute, a page of 10,000', `/traffic?${RANGE}&step=minute`],
  ['outages', `/outages?${RANGE}`],
];

interface Rows {
  readonly rows: readonly Record<string, number>[];
  readonly next: string | null;
}

export async function queriesBench({ rounds, ...size }: FleetSize & { rounds: number }): Promise<Report> {
  const { dir, remove } = fleetFolder();
  await makeFleet(dir, size, (line) => {
    console.error(line);
  });
  const server = await start(fileURLToPath(compiledFile('cli/main.js')), ['serve'], {
    ...FLEET_SERVER,
    UPTALLY_DATA_DIR: dir,
  });
  try {
    await settled(server.url);
    const ask = async (path: string): Promise<string> => {
      const answer = await fetch(`${server.url}${path}`, { headers: { authorization: `Bearer ${KEY}` } });
      const text = await answer.text();
      if (answer.status !== 200) throw new Error(`${path} answered ${answer.status}: ${text}`);
      return text;
    };
    const vms = size.accounts * size.vmsAnAccount;
    const hash = createHash('sha256');
    await agree(ask, vmName(vms >> 1));
    const times = new Map<string, number[]>(QUESTIONS.map(([name]) => [name, []]));
    // Every VM is asked about once: a stride that has no common divisor with their number.
    let vm = 1;
    for (let round = -1; round < rounds; round++) {
      for (const [name, path] of QUESTIONS) {
        vm = (vm + 7919) % vms;
        const startMs = performance.now();
        const text = await ask(`/v1/vms/${vmName(vm)}${path}`);
        const ms = performance.now() - startMs;
        if (round === -1) hash.update(text.replace(/"next":"[^"]*"/, ''));
        else times.get(name)?.push(ms);
      }
    }
    return {
      bench: 'queries',
      question: 'how long does a question about a month of one VM take?',
      workHash: hash.digest('hex').slice(0, 16),
      work: { vms, minutesAVm: 45_360, questions: QUESTIONS.length * rounds },
      rates: [],
      times: Array.from(times, ([name, list]) => summary(name, list)),
      ratios: [],
    };
  } finally {
    await server.stop();
    remove();
  }
}

/** The sums of every step are the same, or nothing is timed. */
async function agree(ask: (path: string) => Promise<string>, vm: string): Promise<void> {
  const sums = new Set<string>();
  for (const step of ['month', 'day', 'hour', 'minute']) {
    const sum = { up: 0, minutes: 0, rx: 0, tx: 0 };
    for (const what of ['uptime', 'traffic']) {
      let path = `/v1/vms/${vm}/${what}?${RANGE}&step=${step}${step === 'minute' ? '' : TZ}`;
      for (;;) {
        const { rows, next } = JSON.parse(await ask(path)) as Rows;
        for (const row of rows) {
          sum.up += row['up_ms'] ?? 0;
          sum.minutes += row['unavailable_minutes'] ?? 0;
          sum.rx += row['rx_bytes'] ?? 0;
          sum.tx += row['tx_bytes'] ?? 0;
        }
        if (next === null) break;
        path = `/v1/vms/${vm}/${what}?cursor=${next}`;
      }
    }
    sums.add(JSON.stringify(sum));
  }
  if (sums.size !== 1) throw new Error(`the steps disagree about ${vm}: ${[...sums].join(' ')}`);
}
