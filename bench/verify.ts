/**
 * How long does `uptally verify` take over a fleet's day, and what does a sample cost it? Server and command are processes of their own on the
 * same machine. Unfair would be a fleet without outages or plans, samples that a proof need not read, or a proof that reads only some: it must
 * agree and have read every sample.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compiledFile } from '../src/process/compiled.ts';
import { type Report, summary } from './harness.ts';
import { FleetSource, INTERVAL_MS, send, START_MS } from './load.ts';
import { progress } from './progress.ts';
import { cpuSeconds, KEY, quiet, residentMiB, roomFor, type Server, sleep, startUptally, stored } from './server-process.ts';

export interface VerifySize {
  readonly vms: number;
  /** samples of each VM, one every 10 s */
  readonly intervals: number;
  readonly rounds: number;
}

const SAMPLES_AT_ONCE = 500_000;
const LOOK_MS = 50;

export async function verifyBench({ vms, intervals, rounds }: VerifySize): Promise<Report> {
  const dir = mkdtempSync(join(tmpdir(), 'uptally-verify-'));
  const samples = vms * intervals;
  const server = await startUptally(dir, { UPTALLY_MAX_VMS: roomFor(vms) });
  try {
    const filling = await fill(server, vms, intervals);
    const lastHour = new Date(START_MS + intervals * INTERVAL_MS * (1 - 1 / 24)).toISOString();
    const [whole, late]: [Proof[], Proof[]] = [[], []];
    for (let round = 0; round < rounds; round++) {
      progress.at(round, rounds, 'proving');
      whole.push(await prove(server));
      late.push(await prove(server, '--from', new Date(Math.floor(Date.parse(lastHour) / 60_000) * 60_000).toISOString()));
    }
    for (const { report } of whole)
      if (report.compared.samples !== samples) throw new Error(`${report.compared.samples} of ${samples} samples were read`);
    const read = late.map(({ report }) => report.compared.samples / samples);
    const each = (name: string, of: (proof: Proof) => number, proofs = whole) => summary(name, proofs.map(of));
    const cpu = ({ commandSeconds, serverSeconds }: Proof): number => commandSeconds + serverSeconds;
    return {
      bench: 'verify',
      question: 'how long does a proof of a day of the fleet take, and what does a sample cost it?',
      workHash: createHash('sha256').update(JSON.stringify(whole[0]?.report.compared)).digest('hex').slice(0, 16),
      work: { vms, samples, outagesAVm: whole[0]?.report.compared.outages ?? 0 },
      rates: [each('samples proved', ({ seconds }) => samples / seconds)],
      times: [
        each('the whole proof', ({ seconds }) => seconds * 1000),
        each('of the last 24th alone (--from)', ({ seconds }) => seconds * 1000, late),
      ],
      ratios: [
        each('CPU of the proof ÷ CPU of metering the same samples', (proof) => cpu(proof) / filling),
        each(
          'CPU of --from the last 24th ÷ of the whole',
          (proof) => cpu(proof) / cpu(whole[late.indexOf(proof)] ?? proof),
          late,
        ),
        summary('samples read with --from the last 24th ÷ all', read),
      ],
      values: [
        { ...each('CPU a sample, command', ({ commandSeconds }) => (commandSeconds / samples) * 1e6), unit: 'µs' },
        { ...each('CPU a sample, server', ({ serverSeconds }) => (serverSeconds / samples) * 1e6), unit: 'µs' },
        { ...each('resident, command', ({ mib }) => mib), unit: 'MiB' },
      ],
    };
  } finally {
    await server.stop();
    rmSync(dir, { recursive: true, force: true });
  }
}

/** Fills the server with the fleet's samples, under a plan. CPU seconds of the server for them. */
async function fill(server: Server, vms: number, intervals: number): Promise<number> {
  const put = async (path: string, body: unknown): Promise<void> => {
    const headers = { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' };
    const answer = await fetch(`${server.url}/v1/${path}`, { method: 'PUT', headers, body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(`${path} is answered ${answer.status}: ${await answer.text()}`);
  };
  const price = { amount: '30.00', per: 'month' };
  await put('plans/p', { currency: 'EUR', time_zone: 'Europe/Berlin', price, creditable: ['provider'] });
  await put('accounts/a', { name: 'a', currency: 'EUR' });
  const from = new Date(START_MS).toISOString();
  for (let i = 0; i < vms; i++)
    await put(`vms/vm-${String(i).padStart(6, '0')}`, { account: 'a', plans: [{ plan: 'p', from }], starts_at: from });
  await quiet(server.pid);
  const before = cpuSeconds(server.pid);
  const source = new FleetSource(vms, { outagesADay: 3 });
  const step = Math.max(10, Math.floor(SAMPLES_AT_ONCE / vms));
  for (let done = 0; done < intervals; done += step) {
    progress.at(done, intervals, 'metering');
    await send(source.next(Math.min(step, intervals - done), { samplesARequest: Math.min(10 * vms, 1000) }).waves, server);
  }
  await stored(server.url);
  await quiet(server.pid);
  return cpuSeconds(server.pid) - before;
}

interface Proof {
  readonly seconds: number;
  readonly commandSeconds: number;
  readonly serverSeconds: number;
  /** the most that the command had resident */
  readonly mib: number;
  readonly report: { readonly agree: boolean; readonly compared: Readonly<Record<'samples' | 'outages', number>> };
}

/** Runs the command once. Throws unless it agrees. */
async function prove(server: Server, ...args: readonly string[]): Promise<Proof> {
  await quiet(server.pid);
  const serverBefore = cpuSeconds(server.pid);
  const startMs = performance.now();
  const command = spawn(process.execPath, [fileURLToPath(compiledFile('cli/main.js')), 'verify', '--json', ...args], {
    env: { ...process.env, UPTALLY_SERVER: server.url, UPTALLY_KEY: KEY },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let text = '';
  command.stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  const ended = new Promise<void>((resolve) => command.once('close', resolve));
  const watched = await watch(command, ended);
  const seconds = (performance.now() - startMs) / 1000;
  const report = JSON.parse(text) as Proof['report'];
  if (!report.agree) throw new Error(`the proof does not agree: ${text}`);
  return { seconds, ...watched, serverSeconds: cpuSeconds(server.pid) - serverBefore, report };
}

/** CPU and memory of a process until it ends, as last seen. */
async function watch(child: ChildProcess, ended: Promise<void>): Promise<{ commandSeconds: number; mib: number }> {
  const seen = { commandSeconds: 0, mib: 0, over: false };
  void ended.then(() => {
    seen.over = true;
  });
  const isOver = (): boolean => seen.over;
  while (!isOver()) {
    try {
      seen.commandSeconds = cpuSeconds(child.pid ?? 0);
      seen.mib = Math.max(seen.mib, residentMiB(child.pid ?? 0).all || 0);
    } catch {
      // it has ended since
    }
    await Promise.race([ended, sleep(LOOK_MS)]);
  }
  return seen;
}
