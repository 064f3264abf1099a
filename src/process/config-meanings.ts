import type { VARIABLES } from './config.ts';

/** What each setting is for, as docs/reference/configuration.md tells it: a setting without a meaning does not compile. */
export const MEANINGS: Readonly<Record<keyof typeof VARIABLES, string>> = {
  UPTALLY_HOST: 'The address it listens on. Put a proxy with TLS before any other than 127.0.0.1.',
  UPTALLY_PORT: 'The port it listens on; 0 takes a free one and prints it.',
  UPTALLY_DATA_DIR:
    'Log, checkpoints and the embedded ClickHouse; terms sheets of your own in its folder `terms`, and `issuer.json`. One server a folder.',
  UPTALLY_LOG: '`embedded`: the log is LMDB in the data folder. `kafka`: the log is a topic, and roles may run apart.',
  UPTALLY_KAFKA_BROKERS: 'The brokers, for `UPTALLY_LOG=kafka`.',
  UPTALLY_KAFKA_TOPIC: 'The topic of the log; it is made for a database that has had no log, and never again.',
  UPTALLY_KAFKA_PARTITIONS: 'How many partitions the topic is made with; their number cannot be changed later.',
  UPTALLY_KAFKA_TLS: 'Whether the brokers are reached over TLS.',
  UPTALLY_KAFKA_SASL: 'How the brokers are told who asks; needs a user name and a password.',
  UPTALLY_KAFKA_USERNAME: 'The user name of SASL.',
  UPTALLY_KAFKA_PASSWORD: 'The password of SASL. Better a file: `UPTALLY_KAFKA_PASSWORD_FILE`.',
  UPTALLY_KAFKA_SESSION_TIMEOUT_MS: "After which silence an aggregator's partitions go to the others.",
  UPTALLY_CLICKHOUSE_URL:
    'A ClickHouse server, with user and password if it wants any; unset, ClickHouse is embedded. Better a file: `UPTALLY_CLICKHOUSE_URL_FILE`.',
  UPTALLY_CLICKHOUSE_CLUSTER:
    "Has tables made on a cluster, sharded by VM, under a name of the servers' `system.clusters` (schemas/clickhouse/README.md).",
  UPTALLY_CLICKHOUSE_REPLICATED: 'On a cluster: whether its tables have replicas.',
  UPTALLY_STALENESS_MS: 'How long a state holds without a newer sample (H); then the VM is silent.',
  UPTALLY_LATENESS_MS: 'The watermark is the clock minus this: how long a sample may be on its way without being late.',
  UPTALLY_RETENTION_DAYS:
    'How old a sample may be; raw samples are kept three days longer, and those of disputes and unpaid invoices until they are settled (docs/operating/retention.md).',
  UPTALLY_RETENTION_SHORTEN:
    'Confirms by name that raw samples are kept for a shorter time than before: `90:30`. Without it the longer time stays in force.',
  UPTALLY_CLOCK: "`wall`: the server's clock. `event`: time is the highest `ts` accepted so far, for history.",
  UPTALLY_SCHEDULER:
    '`on`: where the role `api` is, the server itself charges days, makes invoices and reconciles when that is due, one process of all. `off`: cron does (docs/operating/scheduler.md).',
  UPTALLY_SCHEDULER_INVOICES:
    'What the scheduler makes of a month that is over, for accounts whose `invoices` does not say: `none`, `drafts` or `finals`.',
  UPTALLY_NOTICES:
    '`on`: where the role `api` is, what happens is put on record for webhooks and mail and sent, by one process of all (docs/guides/notices.md). `off`: nothing is.',
  UPTALLY_NOTICE_OUTAGE_MS: 'How long an outage, or the silence of a source, lasts before it is told of.',
  UPTALLY_NOTICE_NETWORKS:
    'Networks that webhooks may be posted to although they are not public, also without TLS: `10.0.0.0/8,127.0.0.0/8`.',
  UPTALLY_SMTP_URL:
    'The server that mail is handed to: `smtp://user:password@host:587` (STARTTLS where it offers that) or `smtps://`; unset, there is no mail. Better a file: `UPTALLY_SMTP_URL_FILE`.',
  UPTALLY_MAIL_FROM: 'The address that mail comes from.',
  UPTALLY_PORTAL_FRAME_ANCESTORS:
    'Whose pages may have the portal in a frame: `https://panel.example.net`, `https://*.example.net`, `self`; unset, nobody (docs/guides/portal.md).',
  UPTALLY_LINK_LIMIT_BPS:
    'A counter that grows faster than this, in bits a second, is quarantined: kept as an anomaly, billed as zero.',
  UPTALLY_ADMIN_KEY:
    'The first key; unset, one is made at the first start and printed once. Under 16 characters there is a warning. Better a file: `UPTALLY_ADMIN_KEY_FILE`.',
  UPTALLY_ROLES: 'What this process does. Apart only with Kafka and a ClickHouse server.',
  UPTALLY_INGEST_WORKERS:
    'Processes that take its requests. `auto`: none up to 4 cores, then (cores − 2) / 2, at most 8. Not with Kafka, where more processes have the role `ingest`.',
  UPTALLY_MAX_CONNECTIONS:
    'How many connections a process takes; unset, or more than that: three quarters of the files that it may have open (`ulimit -n`), less 64, at most 16,384 (docs/operating/connections.md).',
  UPTALLY_MAX_VMS: 'The room of the kernel for VMs, laid out at start; pages that are not touched cost nothing.',
  UPTALLY_MAX_VMS_PER_KEY:
    'New VMs that a key of role `agent` may bring once half of the room is taken. Left out: a sixteenth of `UPTALLY_MAX_VMS`, at least 1,000.',
  UPTALLY_MAX_NICS: 'The room of the kernel for interfaces; unset, twice that for VMs.',
  UPTALLY_CHECKPOINT_INTERVAL_MS: 'How often the state is saved: how much of the log a start reads at most.',
  UPTALLY_LOG_LEVEL: 'What is logged, as JSON lines on standard output.',
};
