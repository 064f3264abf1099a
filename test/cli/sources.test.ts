import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runCli } from '../support/fake-cli.ts';
import { packed, version1 } from '../support/remote-write.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'uptally-sources-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

async function written(name: string, content: string | Uint8Array): Promise<string> {
  const file = join(dir, name);
  await writeFile(file, content);
  return file;
}

describe('uptally sources', () => {
  it('lists the presets', async () => {
    const { code, out } = await runCli(['sources', 'presets']);
    expect(code).toBe(0);
    expect(out).toMatch(/^libvirt-exporter +prometheus +Debian's/m);
    expect(out).toMatch(/^proxmox-influx +influx/m);
  });

  it('says what became of every series of a captured body, and why', async () => {
    const at = 1_795_320_000_000;
    const rx = 'libvirt_domain_interface_stats_receive_bytes_total';
    const body = packed(
      version1([
        { labels: { __name__: rx, uuid: 'vm-1', target_device: 'vnet0', instance: 'hv-1' }, samples: [[1, at]] },
        { labels: { __name__: rx, uuid: 'vm-2', instance: 'hv-1' }, samples: [[1, at]] },
        { labels: { __name__: 'go_goroutines', instance: 'hv-1' }, samples: [[1, at]] },
      ]),
    );
    const source = await written('source.json', '{"preset": "libvirt-exporter"}');
    const { code, out } = await runCli(['sources', 'check', source, '--body', await written('body.snappy', body)]);
    expect(code).toBe(0);
    expect(out).toMatch(/^libvirt_domain_interface_stats_receive_bytes_total +1 +rx +vm vm-1, nic vnet0, host hv-1$/m);
    expect(out).toMatch(/rejected bad_nic +nothing to call the interface by: target_device is missing$/m);
    expect(out).toMatch(/^go_goroutines +1 +ignored *$/m);
    expect(out).toMatch(/^taken +1$/m);
  });

  it('ends in 1 where nothing would be a sample, or the body would be refused', async () => {
    const source = await written('source.json', '{"preset": "proxmox-influx"}');
    const other = await runCli([
      'sources',
      'check',
      source,
      '--body',
      await written('a.txt', 'cpu,host=a usage=1 1767225600000000000\n'),
    ]);
    expect(other).toMatchObject({ code: 1 });
    expect(other.err).toContain('nothing of it would be a sample');
    const broken = await runCli(['sources', 'check', source, '--body', await written('b.txt', 'broken\n')]);
    expect(broken.err).toContain('would be refused: no line can be read: line 1 has no fields');
  });

  it('names every fault of a file', async () => {
    const file = await written('bad.json', '{"preset": "nobody", "vm": "{a|re:(}"}');
    const { code, err } = await runCli(['sources', 'check', file]);
    expect(code).toBe(1);
    expect(err).toContain('bad.json: vm: "(" is no expression of RE2');
    const unknown = await runCli(['sources', 'check', await written('b.json', '{"preset": "nobody"}')]);
    expect(unknown.err).toContain('preset: there is no preset nobody');
  });
});
