import { describe, expect, it } from 'vitest';
import { ConfigError, readConfig } from '../../src/process/config.ts';

function faultsOf(env: Record<string, string>): readonly string[] {
  try {
    readConfig(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.faults;
    throw error;
  }
  return [];
}

describe('configuration', () => {
  it('has the documented defaults, and takes an empty variable as none', () => {
    expect(readConfig({ HOME: '/x', UPTALLY_PORT: '' }, 2)).toEqual({
      host: '127.0.0.1',
      port: 8080,
      dataDir: './data',
      log: 'embedded',
      kafkaBrokers: [],
      kafka: undefined,
      clickhouseUrl: undefined,
      clickhouseCluster: undefined,
      clickhouseReplicated: true,
      stalenessMs: 90_000,
      latenessMs: 120_000,
      retentionDays: 90,
      retentionShorten: undefined,
      clock: 'wall',
      linkLimitBps: 100_000_000_000n,
      adminKey: undefined,
      roles: new Set(['ingest', 'aggregate', 'api']),
      ingestWorkers: 0,
      connectionsMax: undefined,
      vmsMax: 1_000_000,
      keyVmsMax: 62_500,
      nicsMax: 2_000_000,
      checkpointIntervalMs: 30_000,
      logLevel: 'info',
      notices: true,
      noticeOutageMs: 300_000,
      noticeNetworks: [],
      smtpUrl: undefined,
      mailFrom: undefined,
      scheduler: true,
      schedulerInvoices: 'drafts',
      portalFrameAncestors: [],
    });
  });

  it('reads lists, numbers and addresses', () => {
    const config = readConfig({
      UPTALLY_ROLES: 'api, ingest',
      UPTALLY_LOG: 'kafka',
      UPTALLY_KAFKA_BROKERS: 'a:9092, b:9092',
      UPTALLY_CLICKHOUSE_URL: 'http://u:p@127.0.0.1:8123',
      UPTALLY_MAX_VMS: '10',
      UPTALLY_LINK_LIMIT_BPS: '400000000000',
    });
    expect(config).toMatchObject({
      roles: new Set(['api', 'ingest']),
      kafkaBrokers: ['a:9092', 'b:9092'],
      nicsMax: 20,
      linkLimitBps: 400_000_000_000n,
    });
  });

  it.each([
    ['UPTALLY_PORT', '80a', 'UPTALLY_PORT must be a port, 0 to 65535'],
    ['UPTALLY_PORT', '70000', 'UPTALLY_PORT must be a port, 0 to 65535'],
    ['UPTALLY_LOG', 'redis', 'UPTALLY_LOG must be one of: embedded, kafka'],
    ['UPTALLY_LOG', 'kafka', 'UPTALLY_KAFKA_BROKERS must name at least one broker when UPTALLY_LOG is kafka'],
    ['UPTALLY_CLICKHOUSE_URL', 'localhost:8123', 'UPTALLY_CLICKHOUSE_URL must be an http:// or https:// URL'],
    ['UPTALLY_RETENTION_DAYS', '-1', 'UPTALLY_RETENTION_DAYS must be days (0: no limit), 0 to 3650'],
    ['UPTALLY_ROLES', 'api,cook', 'UPTALLY_ROLES must be some of: ingest, aggregate, api'],
    ['UPTALLY_ADMIN_KEY', 'two words', 'UPTALLY_ADMIN_KEY must be 1 to 256 printable characters without spaces'],
    ['UPTALLY_MAX_NICS', '5', 'UPTALLY_MAX_NICS must not be less than UPTALLY_MAX_VMS'],
    ['UPTALLY_INGEST_WORKERS', '17', 'UPTALLY_INGEST_WORKERS must be auto or 0 to 16'],
    ['UPTALLY_INGEST_WORKERS', '-1', 'UPTALLY_INGEST_WORKERS must be auto or 0 to 16'],
    ['UPTALLY_PROT', '80', 'UPTALLY_PROT is not a setting'],
  ])('names the fault of %s=%s', (name, value, fault) => {
    expect(faultsOf({ [name]: value })).toEqual([fault]);
  });

  it.each([
    [undefined, 4, 0],
    ['auto', 4, 0],
    ['auto', 5, 1],
    ['auto', 8, 3],
    ['auto', 64, 8],
    ['0', 64, 0],
    ['2', 1, 2],
    ['16', 2, 16],
  ])('UPTALLY_INGEST_WORKERS=%s on %i cores is %i workers', (value, cores, workers) => {
    expect(readConfig({ UPTALLY_INGEST_WORKERS: value }, cores).ingestWorkers).toBe(workers);
  });

  it('a Kafka log has no workers, and says so when asked for some', () => {
    const kafka = { UPTALLY_LOG: 'kafka', UPTALLY_KAFKA_BROKERS: 'a:9092' };
    expect(readConfig(kafka, 64).ingestWorkers).toBe(0);
    expect(readConfig({ ...kafka, UPTALLY_INGEST_WORKERS: '0' }, 64).ingestWorkers).toBe(0);
    expect(faultsOf({ ...kafka, UPTALLY_INGEST_WORKERS: '2' })).toEqual([
      'UPTALLY_INGEST_WORKERS: workers are for the embedded log; with UPTALLY_LOG=kafka run more processes with the role ingest',
    ]);
  });

  it('names all faults at once and never repeats a value', () => {
    const faults = faultsOf({ UPTALLY_PORT: 'x', UPTALLY_CLOCK: 'sun', UPTALLY_ADMIN_KEY: 'se cret' });
    expect(faults).toHaveLength(3);
    expect(faults.join()).not.toContain('se cret');
  });
});
