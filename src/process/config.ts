import { availableParallelism } from 'node:os';
import { z } from 'zod';
import { isNetwork } from './networks.ts';

const ROLES = ['ingest', 'aggregate', 'api'] as const;
export type ProcessRole = (typeof ROLES)[number];

/** Where the log is when it is Kafka, and how its brokers are reached. */
export interface KafkaSettings {
  readonly brokers: readonly string[];
  readonly topic: string;
  /** For a topic that has yet to be made. */
  readonly partitions: number;
  readonly tls: boolean;
  readonly sasl:
    | { readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'; readonly username: string; readonly password: string }
    | undefined;
  /** How long an aggregator may be silent before its partitions go to others. */
  readonly sessionTimeoutMs: number;
}

/** The configuration of a process (SPEC §8), checked. Durations in milliseconds unless the name says days. */
export interface Config {
  host: string;
  port: number;
  dataDir: string;
  log: 'embedded' | 'kafka';
  kafkaBrokers: readonly string[];
  /** Undefined with the embedded log. */
  kafka: KafkaSettings | undefined;
  /** Unset: ClickHouse inside this process. */
  clickhouseUrl: string | undefined;
  /** Unset: one server, not a cluster. */
  clickhouseCluster: string | undefined;
  /** On a cluster: whether its tables have replicas. */
  clickhouseReplicated: boolean;
  stalenessMs: number;
  latenessMs: number;
  /** 0: samples are kept for good, and of any age. */
  retentionDays: number;
  /** `BEFORE:NOW` in days: confirms that raw samples are kept for a shorter time than before. */
  retentionShorten: string | undefined;
  clock: 'wall' | 'event';
  /** Whether a process with the role api does by itself what is due. */
  scheduler: boolean;
  /** What the scheduler makes of a month of accounts that don't say. */
  schedulerInvoices: 'none' | 'drafts' | 'finals';
  /** Whether a process with the role api tells people and programs of what happens. */
  notices: boolean;
  /** How long an outage or a silence lasts before it is told of. */
  noticeOutageMs: number;
  /** Networks that events may be posted to although they are not public. */
  noticeNetworks: readonly string[];
  /** Unset: there is no mail. */
  smtpUrl: string | undefined;
  mailFrom: string | undefined;
  /** Origins whose pages may have the portal in a frame. */
  portalFrameAncestors: readonly string[];
  linkLimitBps: bigint;
  adminKey: string | undefined;
  roles: ReadonlySet<ProcessRole>;
  /** Processes that take requests for this one; 0: it does so itself. */
  ingestWorkers: number;
  /** Connections that a process takes; undefined: as many as its limit of open files has room for. */
  connectionsMax: number | undefined;
  /** Capacities of the kernel; memory is laid out for them at start. */
  vmsMax: number;
  /** New VMs that a key of an agent may bring once half of the room is taken. */
  keyVmsMax: number;
  nicsMax: number;
  /** How often the aggregator saves its state: how much of the log a start reads at most. */
  checkpointIntervalMs: number;
  logLevel: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent';
}

/** All faults of the environment at once: one line each, starting with the variable's name. */
export class ConfigError extends Error {
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super(`the configuration cannot be used:\n${faults.map((fault) => `  ${fault}`).join('\n')}`);
    this.name = 'ConfigError';
    this.faults = faults;
  }
}

/** A decimal integer without sign, fraction or exponent, in a range. */
const integer = (min: number, max: number, what: string) =>
  z
    .string()
    .refine((text) => /^\d{1,15}$/.test(text) && Number(text) >= min && Number(text) <= max, `must be ${what}, ${min} to ${max}`)
    .transform(Number);

const oneOf = <const T extends readonly [string, ...string[]]>(names: T) => z.enum(names, `must be one of: ${names.join(', ')}`);

const list = z.string().transform((text) =>
  text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== ''),
);

const WORKERS_MAX = 16;
/** Up to so many cores the main process, its aggregator and ClickHouse have use for all of them. */
const CORES_WITHOUT_WORKERS = 4;
const WORKERS_MAX_UNASKED = 8;

/** As many ingest workers as a machine has cores to spare for. */
function workersFor(cores: number): number {
  return cores <= CORES_WITHOUT_WORKERS ? 0 : Math.min(WORKERS_MAX_UNASKED, Math.floor((cores - 2) / 2));
}

/** What a policy may name: an origin, so that nothing of it can begin another directive. */
const FRAME_ANCESTOR =
  /^(self|https:\/\/(\*\.)?[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*(:[1-9]\d{0,4})?|http:\/\/(127\.0\.0\.1|localhost)(:[1-9]\d{0,4})?)$/i;
const FRAME_ANCESTORS_MAX = 20;

const KEY_PATTERN = /^[\x21-\x7e]{1,256}$/;

/** One entry a variable: its default as it would be written, and its check. An empty variable is as good as none. */
export const VARIABLES = {
  UPTALLY_HOST: z.string().min(1).default('127.0.0.1'),
  UPTALLY_PORT: integer(0, 65_535, 'a port').default(8080),
  UPTALLY_DATA_DIR: z.string().min(1).default('./data'),
  UPTALLY_LOG: oneOf(['embedded', 'kafka']).default('embedded'),
  UPTALLY_KAFKA_BROKERS: list
    .refine((brokers) => brokers.every((broker) => /^[^:\s]+:\d{1,5}$/.test(broker)), 'must be host:port, separated by commas')
    .default([]),
  UPTALLY_KAFKA_TOPIC: z
    .string()
    .regex(/^[A-Za-z0-9._-]{1,200}$/, 'must be 1 to 200 characters of A-Z a-z 0-9 . _ -')
    .default('uptally'),
  UPTALLY_KAFKA_PARTITIONS: integer(1, 1000, 'a number of partitions').default(8),
  UPTALLY_KAFKA_TLS: oneOf(['true', 'false']).default('false'),
  UPTALLY_KAFKA_SASL: oneOf(['plain', 'scram-sha-256', 'scram-sha-512']).optional(),
  UPTALLY_KAFKA_USERNAME: z.string().optional(),
  UPTALLY_KAFKA_PASSWORD: z.string().optional(),
  UPTALLY_KAFKA_SESSION_TIMEOUT_MS: integer(1_000, 1_800_000, 'milliseconds').default(30_000),
  UPTALLY_CLICKHOUSE_URL: z
    .string()
    .refine((text) => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol), 'must be an http:// or https:// URL')
    .optional(),
  UPTALLY_CLICKHOUSE_CLUSTER: z
    .string()
    .regex(/^[A-Za-z0-9._-]{1,64}$/, "must be a name of the server's system.clusters")
    .optional(),
  UPTALLY_CLICKHOUSE_REPLICATED: oneOf(['true', 'false']).default('true'),
  UPTALLY_STALENESS_MS: integer(1_000, 86_400_000, 'milliseconds').default(90_000),
  UPTALLY_LATENESS_MS: integer(0, 86_400_000, 'milliseconds').default(120_000),
  UPTALLY_RETENTION_DAYS: integer(0, 3_650, 'days (0: no limit)').default(90),
  UPTALLY_RETENTION_SHORTEN: z
    .string()
    .regex(/^\d{1,4}:\d{1,4}$/, 'must be the days before and the days from now on, as 90:30')
    .optional(),
  UPTALLY_CLOCK: oneOf(['wall', 'event']).default('wall'),
  UPTALLY_SCHEDULER: oneOf(['on', 'off']).default('on'),
  UPTALLY_SCHEDULER_INVOICES: oneOf(['none', 'drafts', 'finals']).default('drafts'),
  UPTALLY_NOTICES: oneOf(['on', 'off']).default('on'),
  UPTALLY_NOTICE_OUTAGE_MS: integer(60_000, 86_400_000, 'milliseconds').default(300_000),
  UPTALLY_NOTICE_NETWORKS: list
    .refine((networks) => networks.every(isNetwork), 'must be networks such as 10.0.0.0/8 or fd00::/8, separated by commas')
    .default([]),
  UPTALLY_SMTP_URL: z
    .string()
    .refine((text) => URL.canParse(text) && /^smtps?:$/.test(new URL(text).protocol), 'must be an smtp:// or smtps:// URL')
    .optional(),
  UPTALLY_MAIL_FROM: z
    .string()
    .max(254)
    .regex(/^[^\s@<>",;:]+@[A-Za-z0-9.-]+$/, 'must be an address such as billing@example.com')
    .optional(),
  UPTALLY_PORTAL_FRAME_ANCESTORS: list
    .refine(
      (origins) => origins.length <= FRAME_ANCESTORS_MAX && origins.every((origin) => FRAME_ANCESTOR.test(origin)),
      `must be at most ${FRAME_ANCESTORS_MAX} of https://host, https://host:port, https://*.host or self, separated by commas; http:// for 127.0.0.1 and localhost alone`,
    )
    .default([]),
  UPTALLY_LINK_LIMIT_BPS: integer(1, 999_999_999_999_999, 'bits a second').transform(BigInt).default(100_000_000_000n),
  UPTALLY_ADMIN_KEY: z.string().regex(KEY_PATTERN, 'must be 1 to 256 printable characters without spaces').optional(),
  UPTALLY_ROLES: list
    .refine(
      (roles) => roles.length > 0 && roles.every((role) => (ROLES as readonly string[]).includes(role)),
      `must be some of: ${ROLES.join(', ')}`,
    )
    .transform((roles) => new Set(roles as ProcessRole[]))
    .default(new Set(ROLES)),
  UPTALLY_INGEST_WORKERS: z
    .string()
    .refine(
      (text) => text === 'auto' || (/^\d{1,2}$/.test(text) && Number(text) <= WORKERS_MAX),
      `must be auto or 0 to ${WORKERS_MAX}`,
    )
    .transform((text) => (text === 'auto' ? text : Number(text)))
    .default('auto'),
  UPTALLY_MAX_CONNECTIONS: integer(16, 1_000_000, 'a number of connections').optional(),
  UPTALLY_MAX_VMS: integer(1, 5_000_000, 'a number of VMs').default(1_000_000),
  UPTALLY_MAX_VMS_PER_KEY: integer(1, 5_000_000, 'a number of VMs').optional(),
  UPTALLY_MAX_NICS: integer(1, 10_000_000, 'a number of interfaces').optional(),
  UPTALLY_CHECKPOINT_INTERVAL_MS: integer(100, 3_600_000, 'milliseconds').default(30_000),
  UPTALLY_LOG_LEVEL: oneOf(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
};

/** Of all the room, a key's share is this part unless told otherwise. */
const KEY_SHARES = 16;
/** And never less than this, which is more than a host runs: small rooms need no shares. */
const KEY_VMS_LEAST = 1000;

const environment = z.object(VARIABLES);

/** Settings of the command line's clients and of tests may stand in the same environment. */
const OTHERS = /^UPTALLY_(SERVER|KEY|TEST_.*)$/;

/**
 * Reads the configuration from the environment. Throws ConfigError with every fault, unknown `UPTALLY_` names included.
 * @param cores what `auto` goes by
 */
export function readConfig(env: Readonly<Record<string, string | undefined>>, cores = availableParallelism()): Config {
  const given = Object.fromEntries(
    Object.entries(env).filter(([name, text]) => name.startsWith('UPTALLY_') && text !== undefined && text !== ''),
  );
  const faults = Object.keys(given)
    .filter((name) => !(name in VARIABLES) && !OTHERS.test(name))
    .map((name) => `${name} is not a setting`);
  const parsed = environment.safeParse(given);
  if (!parsed.success) {
    // The value itself is not repeated: one of the settings is a secret.
    for (const issue of parsed.error.issues) faults.push(`${issue.path.join('.')} ${issue.message}`);
    throw new ConfigError(faults);
  }
  const set = parsed.data;
  if (set.UPTALLY_LOG === 'kafka' && set.UPTALLY_KAFKA_BROKERS.length === 0) {
    faults.push('UPTALLY_KAFKA_BROKERS must name at least one broker when UPTALLY_LOG is kafka');
  }
  if (set.UPTALLY_CLICKHOUSE_CLUSTER !== undefined && set.UPTALLY_CLICKHOUSE_URL === undefined) {
    faults.push('UPTALLY_CLICKHOUSE_CLUSTER needs UPTALLY_CLICKHOUSE_URL, one of its servers or a balancer before them');
  }
  const { UPTALLY_KAFKA_SASL: mechanism, UPTALLY_KAFKA_USERNAME: username, UPTALLY_KAFKA_PASSWORD: password } = set;
  if (mechanism !== undefined && (username === undefined || password === undefined)) {
    faults.push('UPTALLY_KAFKA_USERNAME and UPTALLY_KAFKA_PASSWORD must be set when UPTALLY_KAFKA_SASL is');
  }
  const separate = set.UPTALLY_ROLES.size < ROLES.length;
  if (separate && set.UPTALLY_LOG !== 'kafka') {
    faults.push('UPTALLY_ROLES: with the embedded log one process has all three roles; UPTALLY_LOG=kafka has them apart');
  }
  if (separate && set.UPTALLY_LOG === 'kafka' && set.UPTALLY_CLICKHOUSE_URL === undefined) {
    faults.push('UPTALLY_ROLES: separate processes need UPTALLY_CLICKHOUSE_URL, which all of them can reach');
  }
  const workers = set.UPTALLY_INGEST_WORKERS;
  if (set.UPTALLY_LOG === 'kafka' && workers !== 'auto' && workers > 0) {
    faults.push(
      'UPTALLY_INGEST_WORKERS: workers are for the embedded log; with UPTALLY_LOG=kafka run more processes with the role ingest',
    );
  }
  if (set.UPTALLY_SMTP_URL !== undefined && set.UPTALLY_MAIL_FROM === undefined) {
    faults.push('UPTALLY_MAIL_FROM must be set when UPTALLY_SMTP_URL is: the address that mail comes from');
  }
  const nicsMax = set.UPTALLY_MAX_NICS ?? 2 * set.UPTALLY_MAX_VMS;
  if (nicsMax < set.UPTALLY_MAX_VMS) faults.push('UPTALLY_MAX_NICS must not be less than UPTALLY_MAX_VMS');
  if (faults.length > 0) throw new ConfigError(faults);

  return {
    host: set.UPTALLY_HOST,
    port: set.UPTALLY_PORT,
    dataDir: set.UPTALLY_DATA_DIR,
    log: set.UPTALLY_LOG,
    kafkaBrokers: set.UPTALLY_KAFKA_BROKERS,
    kafka:
      set.UPTALLY_LOG === 'embedded'
        ? undefined
        : {
            brokers: set.UPTALLY_KAFKA_BROKERS,
            topic: set.UPTALLY_KAFKA_TOPIC,
            partitions: set.UPTALLY_KAFKA_PARTITIONS,
            tls: set.UPTALLY_KAFKA_TLS === 'true',
            sasl: mechanism === undefined ? undefined : { mechanism, username: username ?? '', password: password ?? '' },
            sessionTimeoutMs: set.UPTALLY_KAFKA_SESSION_TIMEOUT_MS,
          },
    clickhouseUrl: set.UPTALLY_CLICKHOUSE_URL,
    clickhouseCluster: set.UPTALLY_CLICKHOUSE_CLUSTER,
    clickhouseReplicated: set.UPTALLY_CLICKHOUSE_REPLICATED === 'true',
    stalenessMs: set.UPTALLY_STALENESS_MS,
    latenessMs: set.UPTALLY_LATENESS_MS,
    retentionDays: set.UPTALLY_RETENTION_DAYS,
    retentionShorten: set.UPTALLY_RETENTION_SHORTEN,
    clock: set.UPTALLY_CLOCK,
    scheduler: set.UPTALLY_SCHEDULER === 'on',
    schedulerInvoices: set.UPTALLY_SCHEDULER_INVOICES,
    notices: set.UPTALLY_NOTICES === 'on',
    noticeOutageMs: set.UPTALLY_NOTICE_OUTAGE_MS,
    noticeNetworks: set.UPTALLY_NOTICE_NETWORKS,
    smtpUrl: set.UPTALLY_SMTP_URL,
    mailFrom: set.UPTALLY_MAIL_FROM,
    portalFrameAncestors: set.UPTALLY_PORTAL_FRAME_ANCESTORS,
    linkLimitBps: set.UPTALLY_LINK_LIMIT_BPS,
    adminKey: set.UPTALLY_ADMIN_KEY,
    roles: set.UPTALLY_ROLES,
    ingestWorkers: set.UPTALLY_LOG === 'kafka' ? 0 : workers === 'auto' ? workersFor(cores) : workers,
    connectionsMax: set.UPTALLY_MAX_CONNECTIONS,
    vmsMax: set.UPTALLY_MAX_VMS,
    keyVmsMax: set.UPTALLY_MAX_VMS_PER_KEY ?? Math.max(KEY_VMS_LEAST, Math.ceil(set.UPTALLY_MAX_VMS / KEY_SHARES)),
    nicsMax,
    checkpointIntervalMs: set.UPTALLY_CHECKPOINT_INTERVAL_MS,
    logLevel: set.UPTALLY_LOG_LEVEL,
  };
}
