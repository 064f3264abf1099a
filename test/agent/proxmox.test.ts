/** `--source proxmox`: what a cluster's members have kept becomes samples, each point once, whoever was away. */
import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { parseFingerprint, parseMember, parseToken } from '../../src/agent/proxmox-members.ts';
import { ExportReader } from '../../src/agent/proxmox-points.ts';
import { proxmoxReader, type ProxmoxOptions } from '../../src/agent/proxmox.ts';
import { sampleLine, type Reader, type Reading } from '../../src/samples/reading.ts';
import { ProxmoxCluster, type ServedCluster, serveCluster, TOKEN } from '../support/proxmox-cluster.ts';

const T0 = 1_772_323_200;
const open: ServedCluster[] = [];
afterEach(async () => {
  for (const served of open.splice(0)) await served.close();
});

interface Scene {
  readonly cluster: ProxmoxCluster;
  readonly served: ServedCluster;
  readonly reader: Reader;
  second: number;
  /** Rounds of pvestatd, ten seconds each. */
  readonly pass: (rounds: number) => void;
  readonly read: () => Promise<string[]>;
}

async function scene(options: Partial<ProxmoxOptions> = {}): Promise<Scene> {
  const cluster = new ProxmoxCluster();
  cluster.node('pve1');
  cluster.node('pve2');
  cluster.guest(100, 'pve1', T0 - 1000);
  cluster.guest(101, 'pve2', null);
  const served = await serveCluster(cluster);
  open.push(served);
  const made: Scene = {
    ...{ cluster, served, second: T0 },
    reader: proxmoxReader({ urls: [served.url], token: TOKEN, now: () => made.second * 1000, ...options }),
    pass: (rounds) => {
      for (let i = 0; i < rounds; i++) {
        made.second += 10;
        cluster.pass(100, 1000, 10);
        cluster.round(made.second);
      }
    },
    read: async () => linesOf(await made.reader.read()),
  };
  return made;
}

const linesOf = ({ atMs, observations }: Reading): string[] => observations.map((observation) => sampleLine(atMs, observation));
const running = (vm: string, second: number, rx: number, tx: number, started = T0 - 1001): string =>
  `{"vm":"${vm}","ts":${second}000,"rx_bytes":${rx},"tx_bytes":${tx},"started_at":${started}000,"sum":true}`;
const off = (vm: string, second: number): string => `{"vm":"${vm}","ts":${second}000,"state":"down","cause":"customer"}`;

describe('a cluster that is asked', () => {
  it('tells each guest once a point, with its instant, sums and start; one that is off has a state only', async () => {
    const { pass, read } = await scene();
    pass(2);
    expect(await read()).toEqual([
      running('100', T0 + 10, 1000, 10),
      off('101', T0 + 10),
      running('100', T0 + 20, 2000, 20),
      off('101', T0 + 20),
    ]);
    pass(1);
    expect(await read()).toEqual([running('100', T0 + 30, 3000, 30), off('101', T0 + 30)]);
    expect(await read()).toEqual([]);
  });

  it('gives back the half hour that was missed, and after a restart what came behind the last sample kept', async () => {
    const made = await scene();
    made.pass(300);
    const lines = await made.read();
    expect(lines.length).toBe(2 * 181);
    const again = proxmoxReader({ urls: [made.served.url], token: TOKEN, now: () => made.second * 1000 });
    again.resume?.((made.second - 100) * 1000);
    expect(linesOf(await again.read())).toEqual(lines.slice(-2 * 40));
    expect(made.served.asked).toEqual([made.second - 1810, made.second - 400]);
  });

  it('asks a node that was away for what it has kept, and only then', async () => {
    const made = await scene();
    made.cluster.guest(102, 'pve2', T0 - 5);
    made.pass(1);
    await made.read();
    const pve2 = made.cluster.nodes.get('pve2');
    if (pve2 === undefined) throw new Error('no node');
    // it works on, and cannot be reached
    const told: string[] = [];
    for (let i = 0; i < 5; i++) {
      made.pass(1);
      pve2.online = false;
      told.push(...(await made.read()));
      pve2.online = true;
    }
    expect(told.every((line) => line.includes('"vm":"100"'))).toBe(true);
    const before = made.served.asked.length;
    made.pass(1);
    const back = await made.read();
    expect(made.served.asked.length).toBe(before + 2);
    expect(back.filter((line) => line.includes('"vm":"102"')).length).toBe(6);
    made.pass(1);
    expect((await made.read()).length).toBe(3);
  });

  it('G7: an interface that is unplugged makes the sum fall, and a guest that starts again has another start', async () => {
    const { cluster, pass, read, second } = await scene();
    cluster.guest(103, 'pve1', second - 50, ['net0', 'net1']);
    cluster.pass(103, 500_000, 0, 'net0');
    cluster.pass(103, 400_000, 0, 'net1');
    pass(1);
    await read();
    cluster.guests.get(103)?.nics.delete('net1');
    pass(1);
    expect(await read()).toContain(running('103', T0 + 20, 500_000, 0, T0 - 51));
    cluster.stop(103);
    cluster.start(103, T0 + 25);
    pass(1);
    expect(await read()).toContain(running('103', T0 + 30, 0, 0, T0 + 24));
  });

  it('asks the next member when one does not answer, and says what each said when none does', async () => {
    const made = await scene();
    const dead = await serveCluster(made.cluster);
    await dead.close();
    made.pass(1);
    const reader = proxmoxReader({ urls: [dead.url, made.served.url], token: TOKEN, now: () => made.second * 1000 });
    expect((await reader.read()).observations.length).toBe(2);
    await made.served.close();
    open.splice(0);
    await expect(reader.read()).rejects.toThrow(/127\.0\.0\.1:\d+: .*; http:\/\/127/);
    const denied = await serveCluster(made.cluster);
    open.push(denied);
    await expect(proxmoxReader({ urls: [denied.url], token: 'a@b!c=d' }).read()).rejects.toThrow('the token is not known there');
  });

  it('picks and names guests by VMID', async () => {
    const { pass, read } = await scene({ match: ['10?'], map: new Map([['101', { vm: 'db', nic: '' }]]) });
    pass(1);
    expect(await read()).toEqual([running('100', T0 + 10, 1000, 10), off('db', T0 + 10)]);
  });
});

describe('the answer, read as it comes', () => {
  const point = (more: object): string =>
    JSON.stringify({ id: 'qemu/1', metric: 'net_in', timestamp: 5, type: 'derive', ...more });
  const read = (text: string, size = text.length): unknown => {
    const reader = new ExportReader();
    for (let at = 0; at < text.length; at += size) reader.add(text.slice(at, at + size));
    return reader.end().guests;
  };

  it('is the same in any pieces, with every digit of a counter', () => {
    const text = ` { "data": {"data":[ ${point({ value: 1 })}, {"type":"derive", "value": 18446744073709551615 ,"timestamp":6,"metric":"net_out","id":"qemu\\/1"} ] } }`;
    const whole = read(text);
    expect(whole).toEqual([
      { id: 'qemu/1', second: 5, rx: 1n, tx: null, uptime: null },
      { id: 'qemu/1', second: 6, rx: null, tx: 18446744073709551615n, uptime: null },
    ]);
    for (const size of [1, 2, 3, 7, 50]) expect(read(text, size)).toEqual(whole);
    expect(read('{"data":{"data":[]}}')).toEqual([]);
  });

  it.each([
    ['cut', `{"data":{"data":[${point({ value: 1 })},{"id`],
    ['nothing', ''],
    ['a page', '<html>'.repeat(1000)],
    ['an array', '[]'],
    ['a point without an id', `{"data":{"data":[{"metric":"net_in","timestamp":1,"value":1}]}}`],
    ['a point within a point', `{"data":{"data":[{"id":{"a":1},"timestamp":1}]}}`],
    ['a point without an end', `{"data":{"data":[{"id":"${'x'.repeat(5000)}`],
  ])('throws at %s', (_, text) => {
    expect(() => read(text)).toThrow(/^the answer/);
  });

  it.each([
    ['-1', null],
    ['1e30', null],
    ['18446744073709551616', null],
    ['null', null],
  ])('a counter of %s is none', (value, rx) => {
    const text = `{"data":{"data":[{"id":"lxc/7","metric":"uptime","timestamp":9,"value":5},{"id":"lxc/7","metric":"net_in","timestamp":9,"value":${value}}]}}`;
    expect(read(text)).toEqual([{ id: 'lxc/7', second: 9, rx, tx: null, uptime: 5 }]);
  });
});

describe('who is asked', () => {
  let dir: string;
  const made = new Map<string, { key: string; cert: string; fingerprint: string }>();
  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'uptally-proxmox-'));
    for (const name of ['ours', 'theirs']) {
      const [key, cert] = [join(dir, `${name}.key`), join(dir, `${name}.pem`)];
      const subject = ['-subj', '/CN=pve1', '-addext', 'subjectAltName=IP:127.0.0.1', '-days', '2'];
      execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', cert, ...subject], {
        stdio: 'ignore',
      });
      const text = readFileSync(cert, 'utf8');
      made.set(name, { key: readFileSync(key, 'utf8'), cert: text, fingerprint: new X509Certificate(text).fingerprint256 });
    }
  });
  afterAll(() => {
    rmSync(dir, { recursive: true, force: true });
  });

  it('is who has the fingerprint, or whom the authority vouches for; nobody else hears the token', async () => {
    const cluster = new ProxmoxCluster();
    cluster.node('pve1');
    cluster.guest(100, 'pve1', T0 - 5);
    cluster.round(T0);
    const [ours, theirs] = [made.get('ours'), made.get('theirs')];
    if (ours === undefined || theirs === undefined) throw new Error('no certificates');
    const served = await serveCluster(cluster, ours);
    open.push(served);
    const ask = async (options: Partial<ProxmoxOptions>): Promise<number> =>
      (await proxmoxReader({ urls: [served.url], token: TOKEN, now: () => T0 * 1000, ...options }).read()).observations.length;
    expect(await ask({ fingerprints: [parseFingerprint(ours.fingerprint)] })).toBe(1);
    expect(await ask({ ca: ours.cert })).toBe(1);
    expect(served.asked.length).toBe(2);
    await expect(ask({ fingerprints: [parseFingerprint(theirs.fingerprint)] })).rejects.toThrow('which is none of those given');
    await expect(ask({ ca: theirs.cert })).rejects.toThrow(/certificate/);
    await expect(ask({})).rejects.toThrow(/certificate/);
    expect(served.asked.length).toBe(2);
  });

  it.each([
    [parseMember, 'https://pve1:8006/', 'https://pve1:8006'],
    [parseMember, 'http://127.0.0.1:8006', 'http://127.0.0.1:8006'],
    [parseFingerprint, 'ab:'.repeat(31) + 'AB', 'AB'.repeat(32)],
    [parseToken, ' a@pve!t=s\n', 'a@pve!t=s'],
  ])('%o reads %s', (read, text, value) => {
    expect(read(text)).toBe(value);
  });

  it.each([
    [parseMember, 'http://pve1:8006'],
    [parseMember, 'pve1'],
    [parseFingerprint, 'ab:cd'],
    [parseToken, 'secret'],
    [parseToken, 'a@b!c=d\ne'],
  ])('%o refuses %s', (read, text) => {
    expect(() => read(text)).toThrow();
  });
});
