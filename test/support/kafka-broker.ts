/**
 * A real Apache Kafka broker (KRaft, one node) on 127.0.0.1, in a process and a folder of its own: started, killed, paused, started again
 * on the same data and ports. No Docker; Java runs it, Maven fetches it once.
 */
import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Kafka, logLevel } from 'kafkajs';
import { freePort } from './free-port.ts';
import { KAFKA_VERSION, kafkaJars } from './kafka/jars.ts';

export { KAFKA_VERSION, kafkaMissing } from './kafka/jars.ts';

export interface KafkaSetup {
  readonly version?: string;
  /** More lines of server.properties, over ours. */
  readonly properties?: Readonly<Record<string, string>>;
  /**
   * Puts something (a proxy) before a second listener: told that listener's port, it resolves with the port that clients are to use, which
   * the broker then advertises to whoever came that way. Asked once, before the broker starts.
   */
  readonly proxied?: (port: number) => Promise<number>;
}

export interface KafkaBroker {
  readonly version: string;
  /** `127.0.0.1:port`, as UPTALLY_KAFKA_BROKERS wants it. */
  readonly brokers: string;
  /** The same broker by way of the proxy; that of `brokers` when there is none. */
  readonly proxiedBrokers: string;
  /** Where its data are. */
  readonly directory: string;
  /** Of the running process; undefined while it is down. */
  readonly pid: number | undefined;
  /** kill -9, and waits for the end. Nothing when it is down. */
  kill(): Promise<void>;
  /** Starts it again on the same data and ports, and waits until it answers. */
  start(): Promise<void>;
  pause(): void;
  resume(): void;
  /** Kills it and removes its data. */
  stop(): Promise<void>;
}

/** How long a start may take: on two busy cores a JVM takes its time. */
const PATIENCE_MS = 120_000;

/** Formats a folder, starts the broker, waits until it answers. Throws with the broker's own words when it ends instead. */
export async function startKafkaBroker(setup: KafkaSetup = {}): Promise<KafkaBroker> {
  const version = setup.version ?? KAFKA_VERSION;
  const classPath = join(await kafkaJars(version), '*');
  const directory = await mkdtemp(join(tmpdir(), 'uptally-kafka-'));
  const [port, behindProxy, controller] = await Promise.all([freePort(), freePort(), freePort()]);
  const advertised = (await setup.proxied?.(behindProxy)) ?? behindProxy;
  const file = join(directory, 'server.properties');
  const properties = { ...baseProperties(directory, { port, behindProxy, advertised, controller }), ...setup.properties };
  await writeFile(
    file,
    Object.entries(properties)
      .map(([name, value]) => `${name}=${value}\n`)
      .join(''),
  );
  const format = ['format', `--cluster-id=${randomBytes(16).toString('base64url')}`, '--config', file];
  await promisify(execFile)('java', [...JAVA_OPTIONS, '-cp', classPath, 'kafka.tools.StorageTool', ...format]);

  let child: ChildProcess | undefined;
  const kill = async (): Promise<void> => {
    if (child === undefined) return;
    const dying = child;
    child = undefined;
    const gone = once(dying, 'exit');
    if (dying.exitCode !== null || dying.signalCode !== null) return;
    dying.kill('SIGKILL');
    await gone;
  };
  const start = async (): Promise<void> => {
    if (child !== undefined) throw new Error('the broker runs already');
    const java = ['java', '-Xmx256m', ...JAVA_OPTIONS, '-cp', classPath, 'kafka.Kafka', file];
    const [program = '', ...args] = [...diesWithUs(), ...java];
    const started = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    child = started;
    let errors = '';
    started.stderr.setEncoding('utf8').on('data', (text: string) => {
      errors = (errors + text).slice(-8000);
    });
    try {
      await answering(`127.0.0.1:${port}`, started);
    } catch (error) {
      await kill();
      throw new Error(`Kafka ${version} did not start: ${(error as Error).message}\n${errors}`, { cause: error });
    }
  };
  await start();
  return {
    version,
    directory,
    brokers: `127.0.0.1:${port}`,
    proxiedBrokers: `127.0.0.1:${setup.proxied === undefined ? port : advertised}`,
    get pid() {
      return child?.pid;
    },
    kill,
    start,
    pause: () => void child?.kill('SIGSTOP'),
    resume: () => void child?.kill('SIGCONT'),
    async stop() {
      await kill();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

const JAVA_OPTIONS = [
  '-XX:+UseSerialGC',
  '-XX:TieredStopAtLevel=1',
  '-XX:+ExitOnOutOfMemoryError',
  '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
];

interface Ports {
  readonly port: number;
  readonly behindProxy: number;
  readonly advertised: number;
  readonly controller: number;
}

/** One node that is broker and controller; small buffers, quick rebalances, short sessions allowed, topics only when asked for. */
function baseProperties(directory: string, { port, behindProxy, advertised, controller }: Ports): Record<string, string> {
  const at = (name: string, number: number): string => `${name}://127.0.0.1:${number}`;
  return {
    'process.roles': 'broker,controller',
    'node.id': '1',
    'controller.quorum.voters': `1@127.0.0.1:${controller}`,
    listeners: [at('DIRECT', port), at('PROXIED', behindProxy), at('CONTROLLER', controller)].join(','),
    'advertised.listeners': [at('DIRECT', port), at('PROXIED', advertised)].join(','),
    'listener.security.protocol.map': 'DIRECT:PLAINTEXT,PROXIED:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'inter.broker.listener.name': 'DIRECT',
    'controller.listener.names': 'CONTROLLER',
    'log.dirs': join(directory, 'data'),
    'auto.create.topics.enable': 'false',
    'offsets.topic.replication.factor': '1',
    'offsets.topic.num.partitions': '2',
    'transaction.state.log.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
    'transaction.state.log.num.partitions': '2',
    'group.initial.rebalance.delay.ms': '0',
    'group.min.session.timeout.ms': '1000',
    // or a broker that was killed waits for its own old session to end before it may register again
    'broker.session.timeout.ms': '1500',
    'broker.heartbeat.interval.ms': '250',
    'num.network.threads': '2',
    'num.io.threads': '2',
    'log.cleaner.dedupe.buffer.size': '4194304',
  };
}

/** A prefix of the command so that a broker does not outlive tests that are killed; not every system has it. */
function diesWithUs(): readonly string[] {
  const prefix = ['setpriv', '--pdeathsig', 'KILL'] as const;
  try {
    execFileSync(prefix[0], [...prefix.slice(1), 'true'], { stdio: 'ignore' });
    return prefix;
  } catch {
    return [];
  }
}

/** Asks until the cluster has a controller; a process that has ended will not. */
async function answering(broker: string, child: ChildProcess): Promise<void> {
  const kafka = new Kafka({ brokers: [broker], logLevel: logLevel.NOTHING, connectionTimeout: 2_000, retry: { retries: 0 } });
  const endMs = performance.now() + PATIENCE_MS;
  for (;;) {
    if (child.exitCode !== null || child.signalCode !== null)
      throw new Error(`it ended with ${child.exitCode ?? child.signalCode}`);
    const admin = kafka.admin();
    try {
      await admin.connect();
      if ((await admin.describeCluster()).brokers.length > 0) return;
    } catch (error) {
      if (performance.now() > endMs) throw error;
    } finally {
      await admin.disconnect().catch(() => undefined);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
