import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startFakeServer } from '../support/fake-server.ts';
import { runCli } from '../support/fake-cli.ts';

const SHIPPED = join(import.meta.dirname, '..', '..', 'schemas', 'terms');
let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'uptally-terms-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

describe('uptally terms', () => {
  it('lists the shipped sheets and those of the data directory', async () => {
    await mkdir(join(dir, 'terms'));
    const sheet = await readFile(join(SHIPPED, 'ipcats.json'), 'utf8');
    await writeFile(join(dir, 'terms', 'mine.json'), sheet.replace('"id": "ipcats"', '"id": "mine"'));
    const { code, out } = await runCli(['terms', 'list'], { env: { UPTALLY_DATA_DIR: dir } });
    expect(code).toBe(0);
    expect(
      out
        .trim()
        .split('\n')
        .map((line) => line.split(' ')[0]),
    ).toEqual(['id', 'cloud-server-zh', 'cmivps-2019', 'cstserver-2022', 'internet-service', 'ipcats', 'mine']);
  });

  it('shows every rule with its clause, and the sheet as it can be checked again', async () => {
    const shown = await runCli(['terms', 'show', 'cmivps-2019', '--dir', dir]);
    expect(shown.code).toBe(0);
    expect(shown.out).toMatch(/^refund bar after-12h +after-12h: .*001_540d1532def3b9be\.txt/m);
    expect(shown.out).toMatch(/^fee ip-replacement, free +ip-new-machine: /m);
    const file = join(dir, 'copy.json');
    await writeFile(file, (await runCli(['terms', 'show', 'cmivps-2019', '--json', '--dir', dir])).out);
    expect(await runCli(['terms', 'check', file])).toMatchObject({
      code: 0,
      out: `${file}: cmivps-2019 v1 from 2019-07-25T00:00:00Z, in order\n`,
    });
    expect(await runCli(['terms', 'show', 'nothing', '--dir', dir])).toMatchObject({ code: 1 });
  });

  it('names every fault of a file with its place, and ends in 1', async () => {
    const text = await readFile(join(SHIPPED, 'cstserver-2022.json'), 'utf8');
    const file = join(dir, 'bad.json');
    await writeFile(
      file,
      text.replace('"more_than": "10GB"', '"more_than": "10"').replace('"amount": "15.00"', '"amount": "-15"'),
    );
    const { code, err } = await runCli(['terms', 'check', file]);
    expect(code).toBe(1);
    expect(err).toContain('refund.bars.2.when.0.more_than: must be a whole number and a unit of data');
    expect(err).toContain('fees.0.amount: must be a decimal string');
    const twice = await runCli(['terms', 'check', join(SHIPPED, 'ipcats.json'), join(SHIPPED, 'ipcats.json')]);
    expect(twice.err).toContain('ipcats has version 1');
  });
});

describe('uptally refund-check', () => {
  const ANSWER = {
    id: 'r1',
    vm: 'v1',
    at: '2026-03-01T00:00:00Z',
    terms: 'cstserver-2022',
    terms_version: 1,
    what_if: true,
    decision: 'eligible',
    amount: '300.00',
    currency: 'CNY',
    destination: 'balance',
    reason: 'one-day applies: 300.00 CNY',
    clauses: [
      { id: 'one-day', kind: 'ground', clause: 'one-day: x (y, z)', outcome: 'pass', measured: '1 h', limit: 'at most 24 h' },
    ],
    evidence: { from: 'a', to: 'b', samples: 3, outages_total: 0, traffic_bytes: 123 },
  };

  it('asks for the VM, the instant and the terms named, and shows rule by rule what decided', async () => {
    const server = await startFakeServer(() => ({ status: 200, body: ANSWER }));
    const env = { UPTALLY_SERVER: server.url, UPTALLY_KEY: 'k' };
    try {
      const run = await runCli(['refund-check', 'v1', '--at', '2026-03-01T00:00:00Z', '--terms', 'cstserver-2022'], { env });
      expect([run.code, run.err]).toEqual([0, '']);
      expect(JSON.parse(server.seen[0]?.text ?? '')).toEqual({ vm: 'v1', at: '2026-03-01T00:00:00Z', terms: 'cstserver-2022' });
      expect(run.out).toContain('eligible: 300.00 CNY, to balance; one-day applies');
      expect(run.out).toMatch(/^ground +one-day +pass +1 h +at most 24 h$/m);
      expect(run.out).toContain('3 samples, 0 outages, 123 bytes\nkept as r1');
      const file = join(SHIPPED, 'ipcats.json');
      await runCli(['refund-check', 'v1', '--terms-file', file, '--json'], { env });
      expect(JSON.parse(server.seen[1]?.text ?? '')).toEqual({
        vm: 'v1',
        terms: JSON.parse(await readFile(file, 'utf8')) as unknown,
      });
      await runCli(['refund-check', '--show', 'r1'], { env });
      expect(server.seen[2]).toMatchObject({ method: 'GET', url: '/v1/refund-checks/r1' });
    } finally {
      await server.close();
    }
  });

  it.each([[[]], [['v1', '--show', 'r1']], [['v1', '--terms', 'a', '--terms-file', 'b']]])('%j is wrong usage', async (args) => {
    expect((await runCli(['refund-check', ...args])).code).toBe(2);
  });
});
