import { spawnSync } from 'node:child_process';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { existsSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { libvirtReader } from '../../src/agent/libvirt.ts';
import type { Observation } from '../../src/samples/reading.ts';
import { openVirsh, TooLateError } from '../../src/agent/virsh.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'uptally-virsh-'));
});
afterEach(async () => {
  await rm(dir, { recursive: true, force: true });
});

/** A program in place of virsh that leaves its number in a file. */
async function program(body: string): Promise<string> {
  const path = join(dir, 'virsh');
  await writeFile(path, `#!/bin/bash\necho $$ >> ${dir}/pids\n${body}\n`);
  await chmod(path, 0o755);
  return path;
}

const isThere = (pid: number): boolean => {
  try {
    // a process that has ended and was not waited for is not there any longer
    return !/^\d+ \(.*\) [ZX]/s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
};
const started = (): number[] =>
  existsSync(join(dir, 'pids')) ? readFileSync(join(dir, 'pids'), 'utf8').trim().split('\n').map(Number) : [];

describe('a virsh that does not end', () => {
  it.each([
    ['and obeys', 'exec sleep 600'],
    ['and ignores the request to end', 'trap "" TERM; while :; do sleep 0.1; done'],
    ['but leaves its pipes to a child that stays', 'sleep 600 & echo $! >> PIDS; disown; sleep 600'],
    ['and has a child that ignores it too', '(trap "" TERM; echo $BASHPID >> PIDS; while :; do sleep 0.1; done) & wait'],
    ['and talks on without end', 'trap "" TERM; while :; do echo x; sleep 0.05; done'],
  ])('%s is given up when its time is over, and ended', async (_, body) => {
    const virsh = openVirsh({ uri: 'test:///default', path: await program(body.replaceAll('PIDS', join(dir, 'pids'))) });
    await expect(virsh.run(['list'], { limitMs: 400 })).rejects.toThrow(TooLateError);
    await expect.poll(() => started().filter(isThere), { timeout: 10_000 }).toEqual([]);
    expect(started().length).toBeGreaterThan(0);
  });

  it('is ended at once when the round is given up', async () => {
    const virsh = openVirsh({ uri: 'test:///default', path: await program('trap "" TERM; while :; do sleep 0.1; done') });
    const stopping = new AbortController();
    const call = virsh.run(['list'], { limitMs: 600_000, signal: stopping.signal });
    await expect.poll(started).toHaveLength(1);
    stopping.abort();
    await expect(call).rejects.toThrow('given up');
    await expect.poll(() => started().filter(isThere), { timeout: 10_000 }).toEqual([]);
  });

  it('is no reason to wait for one that says all and closes its outputs late', async () => {
    const virsh = openVirsh({ uri: 'test:///default', path: await program('echo said') });
    expect(await virsh.run(['list'], { limitMs: 60_000 })).toBe('said\n');
  });
});

describe('what virsh says', () => {
  it('is not taken apart at a mark that a guest’s owner wrote into its description', async () => {
    const body = `eval "$(echo "$4" | sed 's/; \\"/; printf "%s\\\\n" "@@uptally 1" "/g')"`;
    const virsh = openVirsh({ uri: 'test:///default', path: await program(body) });
    const { outputs } = await virsh.script([['dumpxml', 'a'], ['dumpxml', 'b']], { limitMs: 60_000 }); // prettier-ignore
    expect(outputs).toEqual(
      ['@@uptally 1\ndumpxml\na\n', '@@uptally 1\ndumpxml\nb\n'].map(
        (text) => expect.stringContaining(text.slice(0, 11)) as unknown,
      ),
    );
  });
});

const hasVirsh = spawnSync('virsh', ['--version']).status === 0;
const node = fileURLToPath(new URL('../support/libvirt/node.xml', import.meta.url));

async function nodeOf(names: readonly string[]): Promise<string> {
  const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  const domains = names.map(
    (name, i) =>
      `<domain type="test"><name>${escaped(name)}</name><uuid>5b1f0c3e-7d2a-4c18-9e60-00000000000${i}</uuid><memory>1</memory><vcpu>1</vcpu>` +
      `<os><type>hvm</type></os><devices><interface type="bridge"><mac address="52:54:00:ab:00:0${i}"/><source bridge="br0"/></interface></devices></domain>`,
  );
  const path = join(dir, 'node.xml');
  await writeFile(path, `<node>${domains.join('')}</node>`);
  return `test://${path}`;
}

describe.skipIf(!hasVirsh)(`libvirt's own test driver${hasVirsh ? '' : ' (skipped: virsh is not installed)'}`, () => {
  it('moves by 100,000 bytes received and 50,000 sent a second and NIC, and every state is told', async () => {
    const reader = libvirtReader({ uri: `test://${node}` });
    const windows: { from: number; to: number; observations: readonly Observation[] }[] = [];
    for (let i = 0; i < 2; i++) {
      const { atMs, observations } = await reader.read();
      windows.push({ from: atMs, to: Date.now(), observations });
    }
    const [a, b] = windows;
    expect(a?.observations.map((o) => `${o.vm}/${o.nic} ${o.downCause ?? 'up'}`).sort()).toEqual([
      'db/52:54:00:ab:00:02 up',
      'db/52:54:00:ab:00:03 up',
      'off/ customer',
      'paused/52:54:00:ab:00:04 customer',
      'web/52:54:00:ab:00:01 up',
    ]);
    // The driver's counters are the wall clock at a fixed rate, so each reading pins them between its two ends.
    for (const { from, to, observations } of windows) {
      for (const { counters } of observations.filter((o) => o.counters !== null)) {
        expect(counters?.rxBytes).toBeGreaterThanOrEqual(BigInt(from) * 100n);
        expect(counters?.rxBytes).toBeLessThanOrEqual(BigInt(to + 1) * 100n);
        expect((counters?.txBytes ?? 0n) * 2n - (counters?.rxBytes ?? 0n)).toBeGreaterThanOrEqual(-1n);
        expect((counters?.txBytes ?? 0n) * 2n - (counters?.rxBytes ?? 0n)).toBeLessThanOrEqual(1n);
      }
    }
    expect(b?.observations.map((o) => o.counters?.epoch)).toEqual(a?.observations.map((o) => o.counters?.epoch));
  });

  it('has its domains metered whatever they are called', async () => {
    const names = [
      'web ',
      ' db',
      '3',
      '--all',
      'ウェブ',
      'خادم',
      '👩‍💻',
      `it's "odd" \\ <&`,
      '4ddb84ec-3594-11e0-a2ed-1c6f65d8a91a',
    ];
    const map = new Map(names.map((name, i) => [name, { vm: `vm-${i}`, nic: '' }]));
    const { observations } = await libvirtReader({ uri: await nodeOf(names), map }).read();
    const metered = observations.filter(({ counters }) => counters !== null).map(({ vm, nic }) => `${vm} ${nic}`);
    expect(metered.sort()).toEqual(names.map((_, i) => `vm-${i} 52:54:00:ab:00:0${i}`));
  });

  it('names VMs by UUID when asked', async () => {
    const { observations } = await libvirtReader({ uri: `test://${node}`, vmFrom: 'uuid', match: ['web'] }).read();
    expect(observations.map((o) => o.vm)).toEqual(['5b1f0c3e-7d2a-4c18-9e60-000000000001']);
  });

  it('fails clearly for a host that is not there', async () => {
    await expect(libvirtReader({ uri: 'test:///no/such/node.xml' }).read()).rejects.toThrow(/node\.xml|connect/);
  });
});
