/** compose.yaml and the Dockerfile, as far as they can be judged without Docker. */
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { readConfig } from '../../src/process/config.ts';
import { withSecretFiles } from '../../src/process/secret-files.ts';
import { installed, ran, ROOT } from './program.ts';

interface Service {
  readonly image: string;
  readonly user?: string;
  readonly read_only?: boolean;
  readonly environment?: Readonly<Record<string, string | number>>;
  readonly secrets?: readonly string[];
  readonly volumes?: readonly string[];
  readonly ports?: readonly string[];
  readonly networks: readonly string[];
  readonly healthcheck?: unknown;
  readonly cap_drop: readonly string[];
  readonly security_opt: readonly string[];
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly deploy: { readonly resources: { readonly limits: Readonly<Record<string, unknown>> } };
}
interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly secrets: Readonly<Record<string, { readonly file: string }>>;
  readonly volumes: Readonly<Record<string, unknown>>;
  readonly networks: Readonly<Record<string, { readonly internal?: boolean }>>;
}

const compose = parse(readFileSync(join(ROOT, 'compose.yaml'), 'utf8'), { merge: true }) as Compose;
const services = Object.entries(compose.services);
const roles = services.filter(([, { environment }]) => environment?.['UPTALLY_ROLES'] !== undefined);
const dockerfile = readFileSync(join(ROOT, 'Dockerfile'), 'utf8');

describe('compose.yaml', () => {
  it('has one service a role, and Kafka and ClickHouse', () => {
    expect(roles.map(([name, { environment }]) => [name, environment?.['UPTALLY_ROLES']])).toEqual([
      ['ingest', 'ingest'],
      ['aggregate', 'aggregate'],
      ['api', 'api'],
    ]);
    expect(Object.keys(compose.services)).toEqual(expect.arrayContaining(['kafka', 'clickhouse']));
  });

  it.each(services)('%s: a pinned image, no more rights and resources than it needs', (_, service) => {
    expect(service.image).toMatch(/:(\d+\.\d+|v\d+\.\d+\.\d+|\$\{UPTALLY_VERSION:-\d+\.\d+\.\d+\})/);
    expect(service.cap_drop).toEqual(['ALL']);
    expect(service.security_opt).toContain('no-new-privileges:true');
    expect(Object.keys(service.deploy.resources.limits).sort()).toEqual(['cpus', 'memory', 'pids']);
    // what is published is for this host
    for (const port of service.ports ?? []) expect(port).toMatch(/^127\.0\.0\.1:/);
  });

  it.each(services)('%s: no secret is written down', (_, { environment = {} }) => {
    for (const [name, value] of Object.entries(environment)) {
      if (/PASSWORD|SECRET|TOKEN|_KEY/.test(name)) expect(String(value), name).toMatch(/^\/run\/secrets\//);
      expect(String(value), name).not.toMatch(/:\/\/[^/]*:[^/]*@/);
    }
  });

  it.each(services)('%s: its secrets, volumes and networks exist', (_, service) => {
    for (const secret of service.secrets ?? []) expect(compose.secrets).toHaveProperty(secret);
    for (const network of service.networks) expect(compose.networks).toHaveProperty(network);
    for (const volume of service.volumes ?? []) {
      const source = volume.slice(0, volume.indexOf(':'));
      if (source.startsWith('.')) expect(statSync(join(ROOT, source)).isDirectory()).toBe(true);
      else expect(compose.volumes).toHaveProperty(source);
    }
  });

  it.each(roles)('%s: not root, a read-only file system, started when what it needs is healthy', (_, service) => {
    expect(service.user).toBe('1000:1000');
    expect(service.read_only).toBe(true);
    expect(service.depends_on).toEqual({
      kafka: { condition: 'service_healthy' },
      clickhouse: { condition: 'service_healthy' },
    });
    expect(dockerfile).toMatch(/HEALTHCHECK[^]*\/readyz/);
  });

  it.each(roles)('%s: settings that the product takes', (_, { environment = {} }) => {
    // ${NAME:-default}, with nothing set
    const values = Object.entries(environment).map(
      ([name, value]) => [name, String(value).replace(/\$\{\w+:-([^}]*)\}/g, '$1')] as const,
    );
    const files: Record<string, string> = {
      '/run/secrets/clickhouse_url': 'http://uptally:a@clickhouse:8123',
      '/run/secrets/admin_key': 'a'.repeat(48),
    };
    const config = readConfig(withSecretFiles(Object.fromEntries(values), (path) => files[path] ?? ''));
    expect(config).toMatchObject({
      log: 'kafka',
      kafkaBrokers: ['kafka:9092'],
      clickhouseUrl: files['/run/secrets/clickhouse_url'],
      adminKey: files['/run/secrets/admin_key'],
    });
  });

  it('only what people talk to is reachable from outside', () => {
    expect(compose.networks['inside']?.internal).toBe(true);
    const outside = services.filter(([, { networks, ports }]) => networks.includes('outside') || ports !== undefined);
    expect(outside.map(([name]) => name)).toEqual(['ingest', 'api', 'prometheus', 'grafana']);
  });
});

describe('make-secrets.sh', () => {
  it('makes every secret that compose.yaml names, keeps those that are there, and says none of them', () => {
    const folder = mkdtempSync(join(tmpdir(), 'uptally-secrets-'));
    try {
      cpSync(join(ROOT, 'deploy/make-secrets.sh'), join(folder, 'make-secrets.sh'));
      const texts = (): Record<string, string> =>
        Object.fromEntries(
          readdirSync(join(folder, 'secrets')).map((name) => [name, readFileSync(join(folder, 'secrets', name), 'utf8')]),
        );
      const first = ran('sh', [join(folder, 'make-secrets.sh')]);
      expect(first.code).toBe(0);
      const made = texts();
      expect(Object.keys(made).sort()).toEqual(Object.keys(compose.secrets).sort());
      expect(made['clickhouse_url']).toBe(`http://uptally:${made['clickhouse_password']}@clickhouse:8123`);
      expect(made['admin_key']).toMatch(/^[0-9a-f]{48}$/);
      expect(first.output).not.toContain(made['admin_key']);
      expect(statSync(join(folder, 'secrets')).mode & 0o777).toBe(0o700);
      expect(ran('sh', [join(folder, 'make-secrets.sh')]).code).toBe(0);
      expect(texts()).toEqual(made);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

describe('Dockerfile', () => {
  it('runs as nobody in particular, from a pinned image, and copies nothing that the builder is not given', () => {
    expect(dockerfile).toMatch(/^USER 1000:1000$/m);
    expect(dockerfile).toMatch(/^ARG NODE_IMAGE=node:\d+\.\d+\.\d+-/m);
    const given = readFileSync(join(ROOT, '.dockerignore'), 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('!'))
      .map((line) => line.slice(1));
    for (const path of given) expect(statSync(join(ROOT, path)).size, path).toBeGreaterThan(0);
  });

  it.skipIf(!installed('hadolint'))(
    `has nothing that hadolint warns of${installed('hadolint') ? '' : ' (skipped: it is not installed)'}`,
    () => {
      expect(ran('hadolint', ['Dockerfile'])).toEqual({ code: 0, output: '' });
    },
  );
});
