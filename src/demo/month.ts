/** What `--keep` shows last: a month of a small provider on a server of its own, which goes on until somebody stops it. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { Uptally } from '../client/uptally.ts';
import { ApiClient } from '../client/wire/client.ts';
import type { DemoOptions } from './demo.ts';
import { grouped } from './narrator.ts';
import { playProvider, type PostLines, type Provided } from './provider.ts';
import { type DemoServer, refuseEnded, startDemoServer } from './server-process.ts';

const STORED_MS_MAX = 120_000;
const POLL_MS = 250;
const TRIES_MAX = 100;

export interface KeptMonth {
  /** An address to open in a browser. */
  readonly console: string;
  readonly adminKey: string;
  readonly dataDir: string;
  /** What else the server was started with. */
  readonly env: Readonly<Record<string, string>>;
  /** Resolves when the demo is interrupted; rejects when the server ends by itself. */
  shown(): Promise<void>;
  stop(): Promise<void>;
}

/** Resolves when the month is stored, billed, and can be looked at. Throws, with a sentence, when it does not come to that. */
export async function keepMonth(options: DemoOptions): Promise<KeptMonth> {
  const { dir, script, tell, now, sleep, interrupted } = options;
  const adminKey = `demo-${randomBytes(18).toString('base64url')}`;
  // the month is over: the clock is that of its samples, and nothing of it expires or is billed anew
  const env = { UPTALLY_CLOCK: 'event', UPTALLY_RETENTION_DAYS: '0', UPTALLY_SCHEDULER: 'off' };
  const dataDir = join(dir, 'provider');
  const server = await startDemoServer({
    ...{ script, dataDir, logFile: join(dir, 'provider.log') },
    env: { ...env, UPTALLY_ADMIN_KEY: adminKey, UPTALLY_LOG_LEVEL: 'warn' },
  });
  try {
    const uptally = new Uptally({ server: server.url, key: adminKey, now, patienceMs: 0 });
    let played: Provided;
    try {
      const stored = (): Promise<void> => untilAllStored(options, server, uptally);
      played = await playProvider({ uptally, stored, send: patientPosts(options, server) });
    } finally {
      await uptally.close();
    }
    tell.event(
      `${played.accounts} customers with ${played.vms} VMs: ${grouped(played.samples)} samples through the door, billed`,
    );
  } catch (error) {
    await server.stop();
    throw error;
  }
  return {
    ...{ console: `${server.url}/console`, adminKey, dataDir, env },
    async shown() {
      while (!interrupted.aborted) {
        const reason = server.failure();
        if (reason !== null) throw new Error(`${reason}; its log is ${join(dir, 'provider.log')}`);
        await sleep(POLL_MS, interrupted);
      }
    },
    stop: () => server.stop(),
  };
}

/** Posts as an agent does: what is not taken yet is sent again. */
function patientPosts({ sleep, interrupted }: DemoOptions, server: DemoServer): PostLines {
  return async (key, lines) => {
    const client = new ApiClient({ server: server.url, key });
    try {
      const body = Buffer.from(lines.map((line) => `${line}\n`).join(''));
      for (let tries = 0; ; tries++) {
        refuseEnded(server, interrupted);
        const outcome = await client.postSamples(body, { gzip: false, signal: interrupted });
        if (outcome.kind === 'accepted') return;
        if (outcome.kind !== 'unavailable' || tries >= TRIES_MAX) throw new Error(`samples were not taken: ${outcome.detail}`);
        await sleep(outcome.retryAfterMs ?? POLL_MS, interrupted);
      }
    } finally {
      await client.close();
    }
  };
}

async function untilAllStored({ now, sleep, interrupted }: DemoOptions, server: DemoServer, uptally: Uptally): Promise<void> {
  const giveUpMs = now() + STORED_MS_MAX;
  for (;;) {
    refuseEnded(server, interrupted);
    const { log, waiting } = await uptally.status();
    if (log.stored === log.appended && (waiting?.vms ?? 0) === 0) return;
    if (now() > giveUpMs) throw new Error(`the month was not stored within ${STORED_MS_MAX / 1000} s`);
    await sleep(POLL_MS, interrupted);
  }
}
