import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { readBootId } from '../../src/process/boot-id.ts';
import { decodeHolder, encodeHolder, type Holder } from '../../src/process/lock-record.ts';
import { takeLock } from '../../src/process/process-lock.ts';
import { type HeldLock, LockedError, LockLostError, type LockOptions } from '../../src/process/held-lock.ts';
import { compileProgram, type Program } from '../support/program.ts';

const TIMING = { beatMs: 20, dyingMs: 300, staleMs: 300, pollMs: 5 };

let dir: string;
let path: string;
let program: Program;
const held: HeldLock[] = [];
const children: ChildProcess[] = [];

beforeAll(() => {
  program = compileProgram('process/programs/lock-holder.ts');
});
afterAll(() => {
  program.remove();
});
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'uptally-lock-'));
  path = join(dir, 'lock');
});
afterEach(async () => {
  for (const lock of held.splice(0)) await lock.release().catch(() => undefined);
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await rm(dir, { recursive: true, force: true });
});

async function take(options: Partial<LockOptions> = {}): Promise<HeldLock> {
  const lock = await takeLock({ path, advice: 'stop it first', timing: TIMING, ...options });
  held.push(lock);
  return lock;
}

interface Said {
  readonly id?: string;
  readonly pid?: number;
  readonly refused?: string;
  readonly waits?: boolean;
}

/** What a process with the lock says, a line at a time. */
function lines(child: ChildProcess): () => Promise<Said> {
  children.push(child);
  if (child.stdout === null) throw new Error('a program without output');
  const reader = createInterface({ input: child.stdout })[Symbol.asyncIterator]() as AsyncIterator<string, undefined>;
  return async () => {
    const line = await reader.next();
    if (line.done === true) throw new Error('the program ended without a word');
    return JSON.parse(line.value) as Said;
  };
}

/** Starts a process in a PID namespace of its own, as in a container: it is process 1 there. */
function contained(args: readonly string[]): ChildProcess {
  const { command } = program;
  return spawn('unshare', ['--pid', '--fork', '--mount-proc', '--kill-child', ...command, ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
}

const canUnshare = (() => {
  try {
    execFileSync('unshare', ['--pid', '--fork', '--mount-proc', 'true'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

const record = async (): Promise<Holder | undefined> => decodeHolder(await readFile(path, 'utf8'));
const foreign = (changes: Partial<Holder> = {}): Holder => ({
  id: 'f'.repeat(32),
  host: 'another-host',
  pid: 1,
  boot: 'another-boot',
  since: '2026-03-01T00:00:00.000Z',
  kernel: true,
  beat: 7,
  released: false,
  ...changes,
});

describe('a lock has one owner', () => {
  it('and says who it is to whoever comes second, who has changed nothing', async () => {
    const first = await take();
    const error: unknown = await take().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(LockedError);
    expect((error as Error).message).toMatch(
      new RegExp(`^${path} is held by process ${process.pid} on \\S+ since \\S+Z \\(lock ${first.id}\\); stop it first$`),
    );
    first.check();
    expect((await record())?.id).toBe(first.id);
  });

  it('until it gives it back: the file stays, for this user alone, and the next one waits for nobody', async () => {
    const first = await take();
    await first.release();
    held.length = 0;
    expect(await record()).toMatchObject({ id: first.id, released: true });
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    const waited = vi.fn();
    const second = await take({ onWait: waited });
    expect(second.id).not.toBe(first.id);
    expect(waited).not.toHaveBeenCalled();
  });

  it('and shows that it is alive', async () => {
    await take();
    await expect.poll(async () => (await record())?.beat ?? 0).toBeGreaterThan(2);
  });

  it.each([
    ['nothing', ''],
    ['half a record', encodeHolder(foreign()).toString().slice(0, 40)],
    ['other people’s text', 'locked, do not touch\n'],
    ['an older version’s record of a dead process', `${process.pid} 1 ${readBootId()}`],
    ['an older version’s record of before a reboot', `${process.pid} 1 another-boot`],
  ])('a file with %s in it is held by nobody', async (_, text) => {
    await writeFile(path, text);
    (await take()).check();
  });

  it('an older version’s living process holds it, though it locks nothing', async () => {
    const fields = (await readFile('/proc/self/stat', 'utf8')).replace(/^.*\) /s, '').split(' ');
    await writeFile(path, `${process.pid} ${fields[19] ?? ''} ${readBootId()}`);
    await expect(take()).rejects.toThrow(`is held by process ${process.pid}; stop it first`);
  });
});

describe('the owner is dead', () => {
  it('or dying: its end is waited for', async () => {
    const holder = program.start([path]);
    await lines(holder)();
    // as a process that is being killed: it has the lock, and shows no life
    holder.kill('SIGSTOP');
    const second = lines(program.start([path]));
    expect(await second()).toEqual({ waits: true });
    holder.kill('SIGKILL');
    expect((await second()).id).toMatch(/^[0-9a-f]{32}$/);
  });

  it('or stopped for good: after a while the second one gives up, and says why', async () => {
    const holder = program.start([path]);
    await lines(holder)();
    holder.kill('SIGSTOP');
    await expect(take()).rejects.toThrow(/has shown no life for 0.3 s and has not ended; stop it first/);
  });

  it('and nobody has reaped it: a zombie holds nothing', async () => {
    // the shell becomes a process that waits for no child
    const command = [...program.command, path].map((word) => `"${word}"`).join(' ');
    const parent = spawn('sh', ['-c', `${command} <&0 & exec sleep 600`], { stdio: ['pipe', 'pipe', 'inherit'] });
    const { pid = 0, id } = await lines(parent)();
    process.kill(pid, 'SIGKILL');
    await expect.poll(async () => (await readFile(`/proc/${pid}/stat`, 'utf8')).replace(/^.*\) /s, '').slice(0, 1)).toBe('Z');
    expect((await take()).id).not.toBe(id);
  });

  it('and its folder was copied: the copy is free at once, the original is not', async () => {
    const original = await take();
    const copy = join(dir, 'copied-lock');
    await copyFile(path, copy);
    const waited = vi.fn();
    (await take({ path: copy, onWait: waited })).check();
    original.check();
    expect(waited).not.toHaveBeenCalled();
  });
});

describe.runIf(canUnshare)('the owner is in another PID namespace', () => {
  it.each([
    ['inside of it, from outside', true, false],
    ['outside, from inside of it', false, true],
    ['inside of one, from another: both are process 1', true, true],
  ])('held %s', async (_, first, second) => {
    const start = (inside: boolean): ChildProcess => (inside ? contained([path]) : program.start([path]));
    const holder = await lines(start(first))();
    expect(holder.pid === 1).toBe(first);
    const other = lines(start(second));
    let said = await other();
    if (said.waits === true) said = await other();
    expect(said.refused).toMatch(new RegExp(`held by process ${holder.pid ?? 0} on .* \\(lock ${holder.id ?? ''}\\)`));
    expect((await record())?.id).toBe(holder.id);
  });

  it('and was killed: another one, also process 1, has it', async () => {
    const first = contained([path]);
    const { id } = await lines(first)();
    first.kill('SIGKILL');
    await once(first, 'exit');
    const second = lines(contained([path]));
    let said = await second();
    if (said.waits === true) said = await second();
    expect(said.id).toMatch(/^[0-9a-f]{32}$/);
    expect(said.id).not.toBe(id);
  });
});

describe('the owner may be on another machine, where no kernel sees both', () => {
  it('shows life: the lock is held', async () => {
    await writeFile(path, encodeHolder(foreign()));
    const error = take({
      timing: { ...TIMING, staleMs: 60_000 },
      onWait: () => void writeFile(path, encodeHolder(foreign({ beat: 8 }))),
    });
    await expect(error).rejects.toThrow('held by process 1 on another-host since 2026-03-01T00:00:00.000Z');
  });

  it('shows none: the lock is taken, and what the other one would find is not its own', async () => {
    await writeFile(path, encodeHolder(foreign()));
    const lock = await take();
    lock.check();
    expect((await record())?.id).toBe(lock.id);
  });

  it('gave it back: nothing is waited for', async () => {
    await writeFile(path, encodeHolder(foreign({ released: true })));
    const waited = vi.fn();
    await take({ onWait: waited });
    expect(waited).not.toHaveBeenCalled();
  });

  it('and took it at the same moment: the one that wrote last has it', async () => {
    await writeFile(path, encodeHolder(foreign()));
    const taking = take({ timing: { ...TIMING, beatMs: 500 } });
    const outcome = taking.catch((error: unknown) => error);
    await expect.poll(async () => (await record())?.host, { interval: 5 }).not.toBe('another-host');
    await writeFile(path, encodeHolder(foreign({ id: 'e'.repeat(32) })), { flag: 'r+' });
    expect(await outcome).toMatchObject({ name: 'LockedError', message: expect.stringContaining('on another-host') as string });
  });
});

describe('the owner may be on this machine without the kernel’s lock, as the agent’s file is', () => {
  const here = (changes: Partial<Holder> = {}): Holder => foreign({ boot: readBootId(), kernel: false, ...changes });

  it('shows life: the lock is held, though the kernel would give it', async () => {
    await writeFile(path, encodeHolder(here()));
    const error = take({
      timing: { ...TIMING, staleMs: 60_000 },
      onWait: () => void writeFile(path, encodeHolder(here({ beat: 8 }))),
    });
    await expect(error).rejects.toThrow('held by process 1 on another-host');
  });

  it('shows none: the lock is taken', async () => {
    await writeFile(path, encodeHolder(here()));
    const lock = await take();
    expect(await record()).toMatchObject({ id: lock.id, kernel: true });
  });

  it('had the kernel’s lock and the kernel gives it: nothing is waited for', async () => {
    await writeFile(path, encodeHolder(here({ kernel: true })));
    const waited = vi.fn();
    await take({ onWait: waited });
    expect(waited).not.toHaveBeenCalled();
  });
});

describe('what was owned is lost, and nothing more is written', () => {
  const lost = vi.fn<(error: LockLostError) => void>();
  beforeEach(() => {
    lost.mockReset();
  });

  it.each<[string, RegExp, () => Promise<void>]>([
    ['the lock file was removed', /was removed/, () => rm(path)],
    [
      'another one has its name',
      /was replaced by another file/,
      async () => {
        await writeFile(join(dir, 'new'), encodeHolder(foreign()));
        await rename(join(dir, 'new'), path);
      },
    ],
  ])('%s: noticed before the next write', async (_, why, happens) => {
    const lock = await take({ onLost: lost, timing: { ...TIMING, beatMs: 1_000_000 } });
    lock.check();
    await happens();
    expect(() => {
      lock.check();
    }).toThrow(why);
    expect(lost).toHaveBeenCalledOnce();
    expect(lost.mock.calls[0]?.[0]).toBeInstanceOf(LockLostError);
  });

  it('another machine has written itself in: noticed at the next beat, which does not write over it', async () => {
    const lock = await take({ onLost: lost });
    await writeFile(path, encodeHolder(foreign()), { flag: 'r+' });
    await expect.poll(() => lost.mock.calls.length).toBe(1);
    expect(() => {
      lock.check();
    }).toThrow(/is held by process 1 on another-host since .* now: this process \(lock [0-9a-f]{32}\) owns the folder no longer/);
    expect((await record())?.host).toBe('another-host');
    await lock.release();
    expect(await record()).toMatchObject({ host: 'another-host', released: false });
  });

  it('while this process was stopped: noticed before the first write after it', async () => {
    const lock = await take({ onLost: lost, timing: { ...TIMING, beatMs: 1_000_000 } });
    await writeFile(path, encodeHolder(foreign()), { flag: 'r+' });
    // its beats have not run, and the clock has gone on
    const nowMs = Date.now();
    vi.spyOn(Date, 'now').mockReturnValue(nowMs + 3_600_000_000);
    try {
      expect(() => {
        lock.check();
      }).toThrow(LockLostError);
    } finally {
      vi.restoreAllMocks();
    }
  });
});
