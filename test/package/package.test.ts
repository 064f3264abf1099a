/** The package as somebody installs it: packed, installed with production dependencies alone into an empty folder, and used from there. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROOT } from '../deploy/program.ts';
import { ADMIN_KEY, postLines, startServer, type TestServer, untilStored } from '../support/server.ts';

/** Packing, installing 700 MB and starting a server on a machine that is busy. */
const PATIENCE_MS = 600_000;
/** On a disk, and outside the repository: what the package lacks would be found in ours. */
const place = existsSync('/var/tmp') ? '/var/tmp' : tmpdir();

interface Packed {
  readonly filename: string;
  readonly size: number;
  readonly files: readonly { readonly path: string }[];
}
let folder: string;
let packed: Packed;
let installing: string;
let server: TestServer;

const inFolder = (program: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): string => {
  const { status, stdout, stderr } = spawnSync(program, args, { cwd: folder, encoding: 'utf8', env: { ...process.env, ...env } });
  expect(status, `${program} ${args.join(' ')}\n${stdout}${stderr}`).toBe(0);
  return stdout;
};

beforeAll(() => {
  folder = mkdtempSync(join(place, 'uptally-package-'));
  // what is packed is what `npm run build` has made: to build again would change it under other tests
  const pack = ['pack', '--json', '--ignore-scripts', '--pack-destination', folder];
  const [one] = JSON.parse(
    execFileSync('npm', pack, { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], maxBuffer: 2 ** 26 }),
  ) as [Packed];
  packed = one;
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'somebody', private: true, type: 'module' }));
  const install = ['install', '--prefer-offline', '--omit=dev', '--no-audit', '--no-fund', `./${packed.filename}`];
  const { status, stdout, stderr } = spawnSync('npm', install, { cwd: folder, encoding: 'utf8' });
  installing = stdout + stderr;
  expect(status, installing).toBe(0);
}, PATIENCE_MS);
afterAll(async () => {
  // before `rm`, which would take the folder from under it
  if ((server as TestServer | undefined) !== undefined) await server.end('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
}, PATIENCE_MS);

describe('the tarball', () => {
  it('is the product and its documents: nothing of tests, of benches or of the build', () => {
    const paths = packed.files.map(({ path }) => path);
    const kinds = new Set(paths.map((path) => path.split('/', 1)[0]));
    expect([...kinds].toSorted()).toEqual(
      ['dist', 'schemas', 'docs', 'examples', 'deploy', 'src', 'bench', 'package.json', 'README.md', 'LICENSE']
        .concat(['CHANGELOG.md', 'CONTRIBUTING.md', 'SECURITY.md'])
        .toSorted(),
    );
    expect(paths.filter((path) => /^(src|bench)\//.test(path) && !path.endsWith('/README.md'))).toEqual([]);
    expect(
      paths.filter((path) => /\.test\.|\.map$|\.tsbuildinfo$|kernel\.(?:debug|counted)|^dist\/(src|test|bench)\//.test(path)),
    ).toEqual([]);
    expect(paths).toEqual(expect.arrayContaining(['dist/cli/main.js', 'dist/kernel.wasm', 'dist/client/index.d.ts']));
  });

  it('is small', () => {
    expect(packed.size).toBeLessThan(2_000_000);
  });
});

describe('installing it', () => {
  it('warns of nothing but what npm says of every install script', () => {
    const warnings = installing.split('\n').filter((line) => line.startsWith('npm warn'));
    expect(warnings.filter((line) => !line.startsWith('npm warn install-scripts'))).toEqual([]);
  });

  it('brings the versions that are pinned', () => {
    const { dependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
      dependencies: Record<string, string>;
    };
    const exact = Object.entries(dependencies).filter(([, version]) => /^\d/.test(version));
    expect(exact.map(([name]) => name)).toEqual(['light-my-request']);
    for (const [name, version] of exact) {
      const found = JSON.parse(readFileSync(join(folder, 'node_modules', name, 'package.json'), 'utf8')) as { version: string };
      expect(found.version, name).toBe(version);
    }
    expect(existsSync(join(folder, 'node_modules/fastify/node_modules'))).toBe(false);
  });

  it('brings nothing that only we need', () => {
    for (const name of ['vitest', 'typescript', 'esbuild', 'autocannon'])
      expect(existsSync(join(folder, 'node_modules', name)), name).toBe(false);
  });
});

describe('what is installed', () => {
  it('has a program', () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
    expect(inFolder('npx', ['--no-install', 'uptally', '--version']).trim()).toBe(version);
    expect(statSync(join(folder, 'node_modules/.bin/uptally')).mode & 0o111).not.toBe(0);
  });

  it(
    'serves, and proves what it has',
    async () => {
      const main = join(folder, 'node_modules/uptally/dist/cli/main.js');
      server = await startServer({
        dir: join(folder, 'data'),
        main,
        env: { UPTALLY_CLOCK: 'event', UPTALLY_RETENTION_DAYS: '0' },
      });
      const lines = Array.from({ length: 30 }, (_, i) =>
        JSON.stringify({ vm: 'v', nic: 'n', ts: 1_740_000_000_000 + i * 10_000, rx_bytes: i * 7, tx_bytes: i }),
      );
      await postLines(server, ADMIN_KEY, lines);
      await untilStored(server);
      const proof = inFolder('npx', ['--no-install', 'uptally', 'verify'], {
        UPTALLY_SERVER: server.url,
        UPTALLY_KEY: ADMIN_KEY,
      });
      expect(proof).toContain('Everything stored is what the raw samples amount to.');
    },
    PATIENCE_MS,
  );

  it(
    'exports a client and an agent, with types, that work',
    () => {
      const program = `import { ApiError, Uptally, type TrafficRow } from 'uptally/client';
import { type Reader, runAgent, type AgentStats } from 'uptally/agent';

const server = process.env['UPTALLY_SERVER'] ?? '';
const key = process.env['UPTALLY_KEY'] ?? '';
const reader: Reader = {
  name: 'two guests',
  read: async () => ({
    atMs: Date.now(),
    observations: ['a', 'b'].map((vm) => ({ vm, nic: 'n', counters: { rxBytes: 2n ** 63n, txBytes: 0n, epoch: 1 }, downCause: null })),
  }),
};
const agent = await runAgent({ server, key, reader, spoolDir: './spool' });
await agent.readNow();
await agent.drained();
const stats: AgentStats = await agent.stop();
const uptally = new Uptally({ server, key });
const { log: { appended } } = await uptally.status();
while ((await uptally.status()).log.stored < appended) await new Promise((resolve) => setTimeout(resolve, 50));
const rows: TrafficRow[] = [];
for await (const row of uptally.metering.traffic('v', { from: 1_740_000_000_000, to: 1_740_000_300_000, step: 'minute' })) rows.push(row);
const bytes: bigint = rows.reduce((sum, row) => sum + row.rx_bytes, 0n);
const code: string = await uptally.invoices.get('none').then(() => 'found', (error: unknown) => (error instanceof ApiError ? error.code : 'other'));
await uptally.close();
console.log(stats.acceptedSamples >= 4, bytes, code);
`;
      writeFileSync(join(folder, 'program.ts'), program);
      const compiler = join(ROOT, 'node_modules/typescript/bin/tsc');
      const types = ['--types', 'node', '--typeRoots', join(ROOT, 'node_modules/@types')];
      const strict = ['--strict', '--exactOptionalPropertyTypes', '--module', 'nodenext', '--target', 'es2023'];
      inFolder(process.execPath, [compiler, ...strict, ...types, 'program.ts']);
      expect(inFolder(process.execPath, ['program.js'], { UPTALLY_SERVER: server.url, UPTALLY_KEY: ADMIN_KEY })).toBe(
        'true 203n invoice_unknown\n',
      );
    },
    PATIENCE_MS,
  );

  it.skipIf(process.env['UPTALLY_TEST_LONG'] === undefined || !existsSync('/sys/class/net'))(
    `demonstrates itself${process.env['UPTALLY_TEST_LONG'] === undefined ? ' (skipped: it takes a minute and a half; UPTALLY_TEST_LONG=1)' : ''}`,
    () => {
      expect(inFolder('npx', ['--no-install', 'uptally', 'demo', '--seconds', '30'])).toContain('Equal to the byte.');
    },
    PATIENCE_MS,
  );
});
