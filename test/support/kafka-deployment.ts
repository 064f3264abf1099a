/** The whole product in one process on a topic of its own, with ClickHouse inside: stopped, killed, started again on the same data. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { newTopic, untilReady } from './roles.ts';
import { ADMIN_KEY, postLines, startServer, type TestServer } from './server.ts';
import { until } from './until.ts';

const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const START_MS = Date.parse('2026-03-01T00:00:00Z');
const VMS = ['v1', 'v2', 'v3', 'v4', 'v5', 'v6'];

export class Deployment {
  readonly topic: string;
  readonly #brokers: string;
  readonly #partitions: number;
  #dir: Promise<string> | undefined;
  server: TestServer | undefined;
  /** Samples that were answered 202. */
  answered = 0;
  #round = 0;

  constructor(
    brokers: string,
    { topic = newTopic(), partitions = 2 }: { readonly topic?: string; readonly partitions?: number } = {},
  ) {
    this.topic = topic;
    this.#brokers = brokers;
    this.#partitions = partitions;
  }

  get env(): Record<string, string> {
    return {
      ...{ UPTALLY_LOG: 'kafka', UPTALLY_KAFKA_BROKERS: this.#brokers, UPTALLY_KAFKA_TOPIC: this.topic },
      ...{ UPTALLY_KAFKA_PARTITIONS: String(this.#partitions), UPTALLY_KAFKA_SESSION_TIMEOUT_MS: '6000' },
      ...{ UPTALLY_CLOCK: 'event', UPTALLY_RETENTION_DAYS: '0', UPTALLY_STALENESS_MS: '86400000' },
    };
  }

  dir(): Promise<string> {
    return (this.#dir ??= mkdtemp(join(tmpdir(), 'uptally-deployment-')));
  }

  /** Rejects with the server's own words when it refuses to start. */
  async start(env: Readonly<Record<string, string>> = {}): Promise<TestServer> {
    this.server = await startServer({ dir: await this.dir(), env: { ...this.env, ...env } });
    await untilReady(this.server);
    return this.server;
  }

  /** Posts one sample of each VM; whether it was answered 202. */
  async post(): Promise<{ readonly taken: boolean; readonly text: string }> {
    const round = this.#round++;
    const lines = VMS.map(
      (vm) => `{"vm":"${vm}","ts":${START_MS + round * 10_000},"nic":"eth0","rx_bytes":${round * 1000},"tx_bytes":0}`,
    );
    const answer = await postLines(this.running, ADMIN_KEY, lines);
    if (answer.status === 202) this.answered += lines.length;
    return { taken: answer.status === 202, text: answer.text };
  }

  async postMany(rounds: number): Promise<void> {
    for (let i = 0; i < rounds; i++) {
      const { taken, text } = await this.post();
      if (!taken) throw new Error(`not taken: ${text}`);
    }
  }

  /** Until every sample that was answered is among the raw samples. */
  untilStored(): Promise<void> {
    const told = async (): Promise<string> => `${await this.stored()} of ${this.answered}\n${this.running.output()}`;
    return until('everything answered to be stored', async () => (await this.stored()) === this.answered, told);
  }

  get running(): TestServer {
    if (this.server === undefined) throw new Error('the deployment was not started');
    return this.server;
  }

  /** Raw samples stored, as questions see them. */
  async stored(): Promise<number> {
    const span = 'from=2026-03-01T00:00:00Z&to=2026-03-02T00:00:00Z';
    const counts = await Promise.all(
      VMS.map(async (vm) => {
        const answer = await this.running.call(`/v1/vms/${vm}/samples?${span}`);
        return answer.status === 200 ? (answer.json() as { rows: unknown[] }).rows.length : 0;
      }),
    );
    return counts.reduce((sum, count) => sum + count, 0);
  }

  /** `uptally verify` against it: its exit code and everything that it says. @param timeout where what it waits for never comes */
  verify(timeout = '3m'): Promise<{ readonly code: number; readonly said: string }> {
    return this.cli(['verify', '--server', this.running.url, '--key', ADMIN_KEY, '--timeout', timeout]);
  }

  async cli(
    args: readonly string[],
    more: Readonly<Record<string, string>> = {},
  ): Promise<{ readonly code: number; readonly said: string }> {
    const env = { ...process.env, ...this.env, UPTALLY_DATA_DIR: await this.dir(), ...more };
    return new Promise((resolve) => {
      execFile(process.execPath, [MAIN, ...args], { env }, (error, out, err) => {
        resolve({ code: error === null ? 0 : Number(error.code), said: `${out}${err}` });
      });
    });
  }

  async end(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    await this.server?.end(signal);
    this.server = undefined;
  }

  async remove(): Promise<void> {
    await this.end().catch(() => undefined);
    if (this.#dir !== undefined) await rm(await this.#dir, { recursive: true, force: true });
  }
}
