/**
 * The product as its roles in processes of their own, around a broker and a ClickHouse server. `front` is all of them as one server:
 * samples go to the ingest processes in turn, everything else to the API processes in turn.
 */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Call, startServer, type StatusJson, type TestServer } from './server.ts';

export interface RolesSetup {
  readonly brokers: string;
  readonly clickhouseUrl: string;
  readonly topic?: string;
  readonly partitions: number;
  readonly ingest?: number;
  readonly aggregate: number;
  readonly api?: number;
  readonly env?: Readonly<Record<string, string>>;
}

/** What of a process' output is told when something is wrong, in characters. */
const LAST_WORDS = 8_000;

export type RoleName = 'ingest' | 'aggregate' | 'api';

export interface Roles {
  readonly topic: string;
  readonly ingest: TestServer[];
  readonly aggregate: TestServer[];
  readonly api: TestServer[];
  readonly front: TestServer;
  /** One more process; it is in its list from then on. */
  start(role: RoleName, env?: Readonly<Record<string, string>>): Promise<TestServer>;
  /** Ends all that still run, and removes what they left on disk. */
  end(signal?: NodeJS.Signals): Promise<void>;
}

/** A name that no other test's topic has. */
export function newTopic(): string {
  return `t-${randomBytes(6).toString('hex')}`;
}

/** Starts the processes: one of each first, since they make topic and tables, then the rest. */
export async function startRoles(setup: RolesSetup): Promise<Roles> {
  const dir = await mkdtemp(join(tmpdir(), 'uptally-roles-'));
  const topic = setup.topic ?? newTopic();
  const running: Record<RoleName, TestServer[]> = { ingest: [], aggregate: [], api: [] };
  const ended: string[] = [];
  const start = async (role: RoleName, env: Readonly<Record<string, string>> = {}): Promise<TestServer> => {
    const server = await startServer({
      dir,
      env: {
        UPTALLY_LOG: 'kafka',
        UPTALLY_ROLES: role,
        UPTALLY_KAFKA_BROKERS: setup.brokers,
        UPTALLY_KAFKA_TOPIC: topic,
        UPTALLY_KAFKA_PARTITIONS: String(setup.partitions),
        UPTALLY_KAFKA_SESSION_TIMEOUT_MS: '6000',
        UPTALLY_CLICKHOUSE_URL: setup.clickhouseUrl,
        ...setup.env,
        ...env,
      },
    });
    running[role].push(server);
    void server.exited.then(({ code, signal }) => {
      running[role].splice(running[role].indexOf(server), 1);
      ended.push(`${role} ${server.pid} ended with ${code ?? signal}:\n${server.output().slice(-LAST_WORDS)}`);
    });
    return server;
  };
  const end = async (signal: NodeJS.Signals = 'SIGTERM'): Promise<void> => {
    await Promise.all(Object.values(running).flatMap((servers) => servers.map((server) => server.end(signal))));
    await rm(dir, { recursive: true, force: true });
  };
  try {
    await start('api');
    await Promise.all([
      ...Array.from({ length: (setup.api ?? 1) - 1 }, () => start('api')),
      ...Array.from({ length: setup.ingest ?? 1 }, () => start('ingest')),
      ...Array.from({ length: setup.aggregate }, () => start('aggregate')),
    ]);
  } catch (error) {
    await end('SIGKILL');
    throw error;
  }
  return { topic, ...running, front: frontOf(running, ended), start, end };
}

function frontOf(running: Record<RoleName, TestServer[]>, ended: readonly string[]): TestServer {
  let turn = 0;
  const serverFor = (path: string): TestServer => {
    const servers = running[path.startsWith('/v1/samples') ? 'ingest' : 'api'];
    const server = servers[turn++ % servers.length];
    if (server === undefined) throw new Error(`no process is there for ${path}`);
    return server;
  };
  return {
    get url() {
      return serverFor('/').url;
    },
    get port() {
      return serverFor('/').port;
    },
    pid: 0,
    exited: new Promise(() => undefined),
    output: () =>
      Object.entries(running)
        .flatMap(([role, servers]) => servers.map((server) => `${role} ${server.pid}:\n${server.output().slice(-LAST_WORDS)}`))
        .concat(ended)
        .join('\n'),
    call: (path: string, call?: Call) => serverFor(path).call(path, call),
    ask: (path: string, call?: Call) => serverFor(path).ask(path, call),
    status: () => statusOf(() => serverFor('/v1/status')),
    end: () => Promise.reject(new Error('the front is no process')),
  };
}

/** While the brokers are away, and shortly after, the API can't say how far the log goes. */
async function statusOf(api: () => TestServer, patienceMs = 60_000): Promise<StatusJson> {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    const answer = await api().call('/v1/status');
    if (answer.status === 200) return answer.json() as StatusJson;
    if (answer.status !== 503 || performance.now() > deadline)
      throw new Error(`the status was answered ${answer.status}: ${answer.text}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Asks until the process is ready; its last words if it is not in time. */
export async function untilReady(server: TestServer, patienceMs = 60_000): Promise<void> {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    const answer = await server.call('/readyz', { key: null }).catch((error: unknown) => {
      throw new Error(`it is gone:\n${server.output()}`, { cause: error });
    });
    if (answer.status === 200) return;
    if (performance.now() > deadline) throw new Error(`not ready: ${answer.text}\n${server.output()}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
