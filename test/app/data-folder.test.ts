import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { serverMissing, startClickHouseServer } from '../support/clickhouse-server.ts';
import {
  ADMIN_KEY,
  MAIN,
  newFolder,
  postLines,
  type ServedFolder,
  type TestServer,
  untilStored,
  within,
} from '../support/server.ts';

const isRoot = process.getuid?.() === 0;

let folder: ServedFolder;
const children: ChildProcess[] = [];
beforeEach(async () => {
  folder = await newFolder('owner');
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await folder.remove();
});

interface Ended {
  readonly code: number | null;
  readonly said: string;
}

interface Run {
  readonly prefix?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly uid?: number;
}

/** A command of the product in a process of its own; answers it and how it ends. */
function run(args: readonly string[], { prefix = [], env = {}, uid }: Run = {}): { child: ChildProcess; ended: Promise<Ended> } {
  const [program = '', ...rest] = [...prefix, process.execPath, MAIN, ...args];
  const others = Object.entries(process.env).filter(([name]) => !name.startsWith('UPTALLY_'));
  const child = spawn(program, rest, {
    env: {
      ...Object.fromEntries(others),
      UPTALLY_LOG_LEVEL: 'warn',
      UPTALLY_INGEST_WORKERS: '0',
      UPTALLY_MAX_VMS: '5000',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(uid === undefined ? {} : { uid }),
  });
  children.push(child);
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  const ended = (once(child, 'close') as Promise<[number | null]>).then(([code]) => ({ code, said }));
  return { child, ended };
}

function serve(dir: string, options: Run = {}): ReturnType<typeof run> {
  return run(['serve'], {
    ...options,
    env: { UPTALLY_PORT: '0', UPTALLY_ADMIN_KEY: ADMIN_KEY, UPTALLY_DATA_DIR: dir, ...options.env },
  });
}

async function filesIn(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  return entries.map((entry) => join(entry.parentPath, entry.name)).sort();
}

const post = async (server: TestServer, vm: string): Promise<void> => {
  const answer = await postLines(server, ADMIN_KEY, [JSON.stringify({ vm, ts: Date.now() })]);
  expect(answer.status).toBe(202);
};

describe('a data folder has one owner', () => {
  it('a second server says whose it is, in one sentence, and has changed nothing', async () => {
    const first = await folder.start();
    const data = join(folder.dir, 'data');
    // what the owner itself makes and removes by and by is not looked at
    const before = await readdir(data);
    const { code, said } = await within('the second to end', serve(data).ended);
    expect(code).toBe(1);
    expect(said.trim().split('\n').at(-1)).toMatch(
      new RegExp(
        `/data/lock is held by process ${first.pid} on \\S+ since \\S+ \\(lock [0-9a-f]{32}\\); stop it first, or give this server another UPTALLY_DATA_DIR$`,
      ),
    );
    expect(said).not.toMatch(/\n\s+at /);
    expect(await readdir(data)).toEqual(before);
    await post(first, 'a');
    await untilStored(first);
  });

  it('whom kill -9 has ended a moment ago is none', async () => {
    const first = await folder.start();
    await post(first, 'a');
    process.kill(first.pid, 'SIGKILL');
    const second = await folder.start();
    expect((await untilStored(second)).samples.accepted).toBe(1);
  });

  it('who has lost it stops before it answers anything more', async () => {
    const first = await folder.start();
    await post(first, 'a');
    await rm(join(folder.dir, 'data', 'lock'));
    const answer = await postLines(first, ADMIN_KEY, [JSON.stringify({ vm: 'b', ts: Date.now() })]).catch(() => undefined);
    expect(answer?.status).not.toBe(202);
    expect(await within('the first to end', first.exited)).toEqual({ code: null, signal: 'SIGKILL' });
    expect(first.output()).toMatch(/data\/lock was removed: this process \(lock [0-9a-f]{32}\) owns the folder no longer/);
    const second = await folder.start();
    expect((await untilStored(second)).samples.accepted).toBe(1);
  });

  it('who waits for a dying owner hears SIGTERM', async () => {
    const first = await folder.start();
    process.kill(first.pid, 'SIGSTOP');
    const { child, ended } = serve(join(folder.dir, 'data'));
    let waits = false;
    child.stdout?.on('data', (text: Buffer) => (waits ||= text.toString().includes('its end is waited for')));
    await expect.poll(() => waits, { timeout: 30_000 }).toBe(true);
    child.kill('SIGTERM');
    expect((await within('the second to end', ended)).code).toBe(0);
    process.kill(first.pid, 'SIGCONT');
  });

  it.runIf(isRoot && serverMissing() === undefined)(
    'beside a ClickHouse server of its own, and from another PID namespace, too',
    async () => {
      const clickhouse = await startClickHouseServer();
      try {
        const env = { UPTALLY_CLICKHOUSE_URL: clickhouse.url };
        const first = await folder.start(env);
        const contained = ['unshare', '--pid', '--fork', '--mount-proc', '--kill-child'];
        const { code, said } = await within(
          'the second to end',
          serve(join(folder.dir, 'data'), { env, prefix: contained }).ended,
        );
        expect([code, said]).toEqual([1, expect.stringMatching(`is held by process ${first.pid} on`)]);
        await post(first, 'a');
        await untilStored(first);
      } finally {
        await clickhouse.stop();
      }
    },
  );
});

describe('what is in a data folder is for its user alone', () => {
  it('from the start, and after a start over what was open to all', async () => {
    const first = await folder.start();
    await post(first, 'a');
    await untilStored(first);
    await first.end('SIGTERM');
    const data = join(folder.dir, 'data');
    const open = async (): Promise<string[]> => {
      const modes = await Promise.all(
        [data, ...(await filesIn(data))].map(async (path) => ({ path, mode: (await stat(path)).mode })),
      );
      return modes.filter(({ mode }) => (mode & 0o077) !== 0).map(({ path }) => path);
    };
    expect(await open()).toEqual([]);
    for (const name of ['log', 'clickhouse', 'checkpoints']) await chmod(join(data, name), 0o755);
    await (await folder.start()).end('SIGTERM');
    expect(await open()).toEqual([]);
  });
});

/** Folders that nothing can be kept in: how each is made, and what is said of it. */
const UNUSABLE: readonly { what: string; says: RegExp; make: (dir: string) => Promise<{ path: string } & Run> }[] = [
  {
    what: 'a folder that its file system does not let anybody make',
    says: /\/proc\/nope can't be made: its file system does not let a folder be made there/,
    make: () => Promise.resolve({ path: '/proc/nope' }),
  },
  {
    what: 'a file',
    says: /is a file, not a folder/,
    make: async (dir) => {
      await writeFile(join(dir, 'file'), '');
      return { path: join(dir, 'file') };
    },
  },
  {
    what: 'a folder below a file',
    says: /a part of its path is a file, not a folder|is a file, not a folder/,
    make: async (dir) => {
      await writeFile(join(dir, 'file'), '');
      return { path: join(dir, 'file', 'data') };
    },
  },
  ...(isRoot ? MOUNTED() : []),
];

/** As root: other users, and file systems of their own. */
function MOUNTED(): typeof UNUSABLE {
  const mounted = (options: string, then: string) => async (dir: string) => {
    await mkdir(join(dir, 'mnt'));
    const script = `mount -t tmpfs -o ${options} none "${dir}/mnt" && mkdir "${dir}/mnt/data" && ${then} && exec "$@"`;
    return { path: join(dir, 'mnt', 'data'), prefix: ['unshare', '--mount', 'sh', '-ec', script, '--'] };
  };
  return [
    {
      what: 'a folder of another user',
      says: /it may not be read or written \(this process runs as user 65534\)/,
      make: async (dir) => {
        await chmod(dir, 0o755);
        await mkdir(join(dir, 'theirs'), { mode: 0o700 });
        return { path: join(dir, 'theirs'), uid: 65534 };
      },
    },
    {
      what: 'a folder in one of another user',
      says: /can't be (made|looked at): it may not be read or written/,
      make: async (dir) => {
        await chmod(dir, 0o755);
        return { path: join(dir, 'mine', 'data'), uid: 65534 };
      },
    },
    {
      what: 'a read-only file system',
      says: /it is on a file system that is mounted read-only/,
      make: async (dir) => mounted('size=1m', `mount -o remount,ro "${dir}/mnt"`)(dir),
    },
    {
      what: 'a full file system',
      says: /there is no space left on its file system/,
      make: async (dir) => mounted('size=64k', `(dd if=/dev/zero of="${dir}/mnt/full" bs=4k 2>/dev/null || true)`)(dir),
    },
  ];
}

describe.each(UNUSABLE)('$what', ({ says, make }) => {
  let dir: string;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'uptally-unusable-'));
  });
  afterEach(async () => {
    await rm(dir, { recursive: true, force: true });
  });

  it('is no data folder: one sentence, and the end', async () => {
    const { path, ...how } = await make(dir);
    const { code, said } = await within('the server to end', serve(path, how).ended, 30_000);
    expect(code).toBe(1);
    expect(said.trim().split('\n')).toHaveLength(1);
    expect(said).toContain(`UPTALLY_DATA_DIR=${path} can't be used: `);
    expect(said).toMatch(says);
  });

  it('is no spool: one sentence, and the end', async () => {
    const { path, ...how } = await make(dir);
    const args = ['agent', '--server', 'http://127.0.0.1:9', '--key', 'k', '--source', 'sysfs', '--match', 'lo', '--spool', path];
    const { code, said } = await within('the agent to end', run(args, how).ended, 30_000);
    expect(code).toBe(1);
    expect(said.trim().split('\n')).toHaveLength(1);
    expect(said).toContain(`the spool folder ${path} can't be used: `);
    expect(said).toMatch(says);
  });
});

describe('two agents on one spool', () => {
  it('where the second took it while the first slept: the first stops, and sends and keeps nothing more', async () => {
    const spool = join(folder.dir, 'spool');
    const args = [
      'agent',
      '--server',
      'http://127.0.0.1:9',
      '--key',
      'k',
      '--source',
      'sysfs',
      '--match',
      'lo',
      '--interval',
      '1s',
      '--spool',
      spool,
    ];
    const { ended } = run(args);
    await expect
      .poll(async () => (await readdir(spool).catch(() => [])).some((name) => name.endsWith('.seg')), { timeout: 30_000 })
      .toBe(true);
    await rm(join(spool, 'lock'));
    const { code, said } = await within('the agent to end', ended);
    expect(code).toBe(1);
    expect(said.trim().split('\n').at(-1)).toMatch(
      /spool\/lock was removed: this process \(lock [0-9a-f]{32}\) owns the folder no longer/,
    );
  });
});
