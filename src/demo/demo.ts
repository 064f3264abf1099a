/** The demo's story, in order. Everything in it is the product: its server, its agent, its API; only two of the VMs are played. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { runAgent, type RunningAgent } from '../agent/agent.ts';
import type { Sleep } from '../client/wire/retry.ts';
import { Uptally } from '../client/uptally.ts';
import { formatInstant } from '../domain/instant.ts';
import { MINUTE_MS } from '../domain/zone.ts';
import { demoApi, type DemoApi } from './api.ts';
import { DOWN_VM, demoReader, type DemoReader, HOST_VM, ownInterfaces, SILENT_VM } from './fleet-reader.ts';
import { sendOverLoopback } from './loopback.ts';
import { clock, grouped, megabytes, type Narrator } from './narrator.ts';
import { showResults } from './results.ts';
import { type DemoServer, logFileOf, refuseEnded, startDemoServer } from './server-process.ts';

export interface DemoOptions {
  readonly dir: string;
  /** The command line's script, which can serve. */
  readonly script: string;
  /** How long the agent reads at least; it goes on to the end of that minute. */
  readonly minMs: number;
  readonly tell: Narrator;
  readonly now: () => number;
  readonly sleep: Sleep;
  readonly interrupted: AbortSignal;
}

export interface DemoOutcome {
  readonly adminKey: string;
  readonly env: Readonly<Record<string, string>>;
}

export const STALENESS_MS = 10_000;
export const LATENESS_MS = 5_000;
const INTERVAL_MS = 1_000;
const BURST_BYTES = 20_000_000;
const SETTLE_MS_MAX = 60_000;
/** Counting stops this long before the last minute ends, so that the counters' last move lies in it. */
const COUNTING_STOPS_MS = 1_500;

/** A step of the story at an instant. */
interface Scene {
  readonly atMs: number;
  readonly play: () => void | Promise<void>;
}

/** Plays the demo; resolves when all that was promised has been shown. Throws, with a sentence, when something is not as it must be. */
export async function runDemo(options: DemoOptions): Promise<DemoOutcome> {
  const { tell, now, sleep, dir } = options;
  const interfaces = ownInterfaces();
  const adminKey = `demo-${randomBytes(18).toString('base64url')}`;
  const env = { UPTALLY_STALENESS_MS: String(STALENESS_MS), UPTALLY_LATENESS_MS: String(LATENESS_MS) };

  tell.heading('1. A server');
  const server = await startDemoServer({
    script: options.script,
    dataDir: join(dir, 'data'),
    logFile: logFileOf(dir),
    env: { ...env, UPTALLY_ADMIN_KEY: adminKey, UPTALLY_LOG_LEVEL: 'warn' },
  });
  // the server is ours: when it does not answer, it has ended
  const uptally = new Uptally({ server: server.url, key: adminKey, now, patienceMs: 0 });
  let agent: RunningAgent | null = null;
  try {
    tell.event(`listens on ${server.url}, with its log and its ClickHouse in ${dir}`);
    tell.event(`its API can be browsed at ${server.url}/docs while this runs`);
    tell.event(`a VM is silent after ${STALENESS_MS / 1000} s without a sample here (90 s otherwise), so that you need not wait`);

    tell.heading('2. A key, a plan and a priced VM');
    const agentKey = await prepareCatalog(uptally);
    tell.event('made a key for the agent: it may post for VMs called demo-* and read nothing');
    tell.event(`priced ${DOWN_VM}: 6.00 CNY an hour, so a minute is worth 0.10; the provider's outages are credited`);

    tell.heading('3. Samples come in');
    const reader = demoReader(interfaces, now);
    const startMs = now();
    const endMs = Math.ceil((startMs + options.minMs) / MINUTE_MS) * MINUTE_MS;
    const fromMs = Math.floor(startMs / MINUTE_MS) * MINUTE_MS;
    const api = demoApi(uptally, fromMs, endMs);
    tell.event(
      `the agent reads ${interfaces.join(', ')} of this machine every second, as ${HOST_VM}; ${DOWN_VM} and ${SILENT_VM} are played`,
    );
    tell.event(`it goes on until ${clock(endMs)} UTC, the end of a minute, ${Math.round((endMs - startMs) / 1000)} s from now`);
    agent = await runAgent({
      server: server.url,
      key: agentKey,
      reader,
      spoolDir: join(dir, 'spool'),
      intervalMs: INTERVAL_MS,
      now,
      sleep,
    });
    const running = agent;
    await play({ ...options, server, reader, api, agent: running, startMs, endMs });

    // The agent is still at work while the tables are made: nothing needs to stop to be read.
    await settled(options, server, api, endMs);
    tell.event('the last minute is published');
    await showResults({ tell, api, reader, interfaces });
    // What is read while a request is on its way would be left in the spool for a next run, and there is none.
    reader.play.over = true;
    await running.drained();
    const stats = await running.stop();
    if (stats.rejectedSamples > 0 || stats.pendingSamples > 0 || stats.failedRounds > 0) {
      throw new Error(
        `the agent has ${stats.rejectedSamples} samples rejected, ${stats.pendingSamples} not sent, ${stats.failedRounds} rounds failed`,
      );
    }
    await showProof(options, server, api, adminKey);
    return { adminKey, env };
  } catch (error) {
    const reason = server.failure();
    throw reason === null ? error : new Error(`${reason}; its log is ${logFileOf(dir)}`, { cause: error });
  } finally {
    await agent?.stop();
    await uptally.close();
    await server.stop();
  }
}

async function prepareCatalog(uptally: Uptally): Promise<string> {
  const { key } = await uptally.keys.create({ role: 'agent', name: 'demo-agent', vms: ['demo-*'] });
  const price = { amount: '6.00', per: 'hour' };
  await uptally.plans.put('demo-plan', { currency: 'CNY', time_zone: 'Asia/Taipei', price, creditable: ['provider'] });
  await uptally.accounts.put('demo-account', { name: 'Demo customer', currency: 'CNY' });
  const plans = [{ plan: 'demo-plan', from: formatInstant(Date.UTC(2026, 0, 1)) }];
  await uptally.vms.put(DOWN_VM, { account: 'demo-account', plans });
  return key;
}

interface Stage extends DemoOptions {
  readonly server: DemoServer;
  readonly reader: DemoReader;
  readonly api: DemoApi;
  readonly agent: RunningAgent;
  readonly startMs: number;
  readonly endMs: number;
}

/** The live part: what is done to the machine and the played VMs, and what the server says of it. */
async function play(stage: Stage): Promise<void> {
  const { tell, reader, agent, startMs, endMs, now, sleep, interrupted } = stage;
  const lengthMs = endMs - startMs;
  const at = (share: number): number => startMs + lengthMs * share;
  const traffic = async (): Promise<void> => {
    const before = reader.seen.get('lo')?.last.rxBytes;
    tell.event(`sent ${megabytes(await sendOverLoopback(BURST_BYTES))} over TCP from 127.0.0.1 to itself`);
    await agent.readNow();
    const after = reader.seen.get('lo')?.last.rxBytes;
    if (before !== undefined && after !== undefined) tell.event(`lo's own counters have moved by ${megabytes(after - before)}`);
  };
  const scenes: Scene[] = [
    { atMs: startMs + 1_200, play: traffic },
    {
      atMs: at(0.2),
      play: () => {
        reader.play.down = true;
        tell.event(`${DOWN_VM} reports that it is down, its provider's fault`);
      },
    },
    {
      atMs: at(0.3),
      play: () => {
        reader.play.silent = true;
        tell.event(`${SILENT_VM} stops reporting`);
      },
    },
    { atMs: at(0.5), play: traffic },
    {
      atMs: at(0.6),
      play: () => {
        reader.play.down = false;
        tell.event(`${DOWN_VM} reports that it is up again`);
      },
    },
    {
      atMs: Math.max(at(0.3) + STALENESS_MS + 4_000, at(0.8)),
      play: () => {
        reader.play.silent = false;
        tell.event(`${SILENT_VM} reports again`);
      },
    },
    {
      atMs: endMs - COUNTING_STOPS_MS,
      play: async () => {
        await agent.readNow();
        reader.play.counting = false;
      },
    },
  ];
  // a short demo has no time for the silence to end; the outage is then shown open
  const left = scenes.filter(({ atMs }) => atMs < endMs).sort((a, b) => a.atMs - b.atMs);
  const told = new Set<string>();
  let nextCountMs = startMs + 10_000;
  while (now() < endMs + INTERVAL_MS) {
    refuseEnded(stage.server, interrupted);
    while (left[0] !== undefined && left[0].atMs <= now()) await left.shift()?.play();
    await tellOutages(stage, told);
    if (now() >= nextCountMs) {
      const { acceptedSamples, sentBatches } = agent.stats();
      tell.event(`${grouped(acceptedSamples)} samples in ${sentBatches} requests are durable in the server's log`);
      nextCountMs = Math.max(nextCountMs + 15_000, now());
    }
    const nextMs = Math.min(left[0]?.atMs ?? Infinity, now() + 500);
    await sleep(Math.max(20, nextMs - now()), interrupted);
  }
}

/** Says of each outage once that it is there, and once that it is over, as the API answers. */
async function tellOutages({ tell, api }: Stage, told: Set<string>): Promise<void> {
  for (const vm of [DOWN_VM, SILENT_VM]) {
    // before a VM's first sample is counted, nothing is known of it
    const outages = await api.outages(vm).catch(() => []);
    for (const { start, end, cause } of outages) {
      const text = `${vm} ${cause} since ${clock(start)}${end === null ? '' : `, over at ${clock(end)}`}`;
      if (told.has(text)) continue;
      told.add(text);
      tell.event(`the API answers: ${text}`);
    }
  }
}

/** Waits until the watermark has passed what was silent at the end, and everything posted can be queried. */
async function settled({ now, sleep, interrupted }: DemoOptions, server: DemoServer, api: DemoApi, endMs: number): Promise<void> {
  const giveUpMs = now() + SETTLE_MS_MAX;
  const minute = formatInstant(endMs - MINUTE_MS);
  for (;;) {
    refuseEnded(server, interrupted);
    const published = (await Promise.all([HOST_VM, DOWN_VM].map((vm) => api.uptime(vm)))).every((rows) =>
      rows.some(({ start }) => start === minute),
    );
    if (published) return;
    if (now() > giveUpMs) throw new Error(`the minute ${minute} was not published within ${SETTLE_MS_MAX / 1000} s`);
    await sleep(250, interrupted);
  }
}

/** The sums that must hold whatever was done, and `uptally verify`, which counts everything again. */
async function showProof(options: DemoOptions, server: DemoServer, api: DemoApi, adminKey: string): Promise<void> {
  const { tell } = options;
  tell.heading('8. Proof');
  await untilStored(options, server, api);
  const { samples } = await api.status();
  const { accepted, applied, duplicate, conflict } = samples;
  tell.line(
    `  ${grouped(accepted)} samples accepted = ${grouped(applied)} stored + ${duplicate} duplicate + ${conflict} in conflict`,
  );
  if (accepted !== applied + duplicate + conflict) throw new Error('accepted is not applied + duplicate + conflict');
  const { runVerify } = await import('./verify-process.ts');
  for (const each of await runVerify(options.script, server.url, adminKey)) tell.line(`  verify: ${each}`);
}

async function untilStored({ now, sleep, interrupted }: DemoOptions, server: DemoServer, api: DemoApi): Promise<void> {
  const giveUpMs = now() + SETTLE_MS_MAX;
  for (;;) {
    refuseEnded(server, interrupted);
    const { log } = await api.status();
    if (log.appended === log.stored) return;
    if (now() > giveUpMs) throw new Error(`of ${log.appended} samples only ${log.stored} are stored`);
    await sleep(100, interrupted);
  }
}
