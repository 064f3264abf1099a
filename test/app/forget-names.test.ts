import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NAMES_FAULT_POINTS } from '../../src/process/faults.ts';
import { type CliRun, runCli } from '../support/fake-cli.ts';
import {
  ADMIN_KEY,
  agentKey,
  allRows,
  newFolder,
  postLines,
  sendJson,
  type ServedFolder,
  startOrDie,
  type TestServer,
  untilStored,
  within,
} from '../support/server.ts';
import { join } from 'node:path';

/** Two agents before a server with room for forty VMs: one brings so many names that the other finds no room for its own. */
const ENV = { UPTALLY_MAX_VMS: '40', UPTALLY_MAX_NICS: '80', UPTALLY_MAX_VMS_PER_KEY: '20', UPTALLY_ADMIN_KEY: ADMIN_KEY };
const names = (from: number, until: number, prefix: string): string[] =>
  Array.from({ length: until - from }, (_, i) => `${prefix}-${String(from + i).padStart(2, '0')}`);
const linesOf = (vms: readonly string[], tsMs: number): string[] =>
  vms.flatMap((vm) => [0, 10_000].map((ms) => JSON.stringify({ vm, ts: tsMs + ms, nic: 'e0', rx_bytes: ms, tx_bytes: 0 })));

async function verified(server: TestServer): Promise<CliRun> {
  return runCli(['verify', '--server', server.url, '--key', ADMIN_KEY]);
}
const cli = (server: TestServer, ...args: string[]): Promise<CliRun> =>
  runCli(['names', ...args, '--server', server.url, '--key', ADMIN_KEY]);

describe('names that one agent brought', () => {
  let folder: ServedFolder;
  let server: TestServer;
  let flooder: string;
  let honest: string;
  const startMs = Date.now() - 600_000;
  beforeAll(async () => {
    folder = await newFolder('forget');
    server = await folder.start(ENV);
    flooder = (await agentKey(server, 'flooder')).key;
    honest = (await agentKey(server, 'honest')).key;
  });
  afterAll(() => folder.remove());

  it('fill the room, and whoever has a place goes on', async () => {
    expect((await postLines(server, honest, linesOf(names(0, 2, 'web'), startMs))).status).toBe(202);
    expect((await postLines(server, flooder, linesOf(names(0, 18, 'lab'), startMs))).status).toBe(202);
    expect((await postLines(server, flooder, linesOf(names(18, 38, 'lab'), startMs))).status).toBe(202);
    const refused = await postLines(server, honest, linesOf(['web-new'], startMs));
    expect(refused.status).toBe(503);
    expect(refused.json()).toMatchObject({ code: 'capacity_full', detail: expect.stringContaining('uptally names') as unknown });
    expect((await postLines(server, honest, linesOf(names(0, 2, 'web'), startMs + 60_000))).status).toBe(202);
    await untilStored(server);
  });

  it('are listed with what is stored of them, but for those of the catalog', async () => {
    await sendJson(server, 'PUT', '/v1/plans/small', {
      currency: 'EUR',
      time_zone: 'UTC',
      price: { amount: '30.00', per: 'month' },
    });
    await sendJson(server, 'PUT', '/v1/accounts/acme', { name: 'Acme', currency: 'EUR', tax_percent: '0', language: 'en' });
    const plans = [{ plan: 'small', from: '2026-01-01T00:00:00Z' }];
    await sendJson(server, 'PUT', '/v1/vms/web-00', { account: 'acme', plans });
    await sendJson(server, 'PUT', '/v1/vms/lab-00', { account: 'acme', plans });
    const rows = await allRows<{ vm: string; samples: number; agents: string[] }>(server, '/v1/names?limit=10');
    expect(rows.map(({ vm }) => vm)).toEqual([...names(1, 38, 'lab'), 'web-01']);
    expect(rows[0]).toMatchObject({ samples: 2, nics: 1, agents: ['flooder'] });
    const listed = await cli(server, 'list', '--pattern', 'web-*');
    expect(listed).toMatchObject({ code: 0, out: expect.stringMatching(/^VM +samples.*\nweb-01 +4 /) as unknown });
    expect(listed.out).not.toContain('web-00');
  });

  it('are not forgotten where the catalog, an event or an incident names them, nor by an agent', async () => {
    await sendJson(server, 'POST', '/v1/vms/lab-01/events', { at: '2026-03-05T10:00:00Z', kind: 'abuse' });
    const scope = { vms: ['lab-02'] };
    await sendJson(server, 'POST', '/v1/incidents', { scope, from: '2026-03-06T10:00:00Z', to: '2026-03-06T12:00:00Z', cause: 'maintenance' }); // prettier-ignore
    const forget = (vms: string[], key = ADMIN_KEY) =>
      server.call('/v1/names/forget', { method: 'POST', key, headers: { 'content-type': 'application/json' }, body: JSON.stringify({ vms }) }); // prettier-ignore
    for (const vm of ['lab-00', 'lab-01', 'lab-02']) {
      const refused = await forget(['lab-05', vm]);
      expect([refused.status, refused.json()]).toMatchObject([409, { code: 'name_kept', vms: [vm] }]);
    }
    expect((await forget(['lab-05'], flooder)).status).toBe(403);
    expect(await cli(server, 'forget')).toMatchObject({ code: 2 });
  });

  it("are forgotten by a pattern, and their room is the others' again", async () => {
    const dry = await cli(server, 'forget', '--pattern', 'lab-*', '--dry-run');
    expect(dry).toMatchObject({ code: 0, err: '35 names with 70 samples would be forgotten\n' });
    expect(await cli(server, 'forget', '--pattern', 'lab-*', '--before', '2026-01-01T00:00:00Z')).toMatchObject({ err: expect.stringMatching(/^0 names/) as unknown }); // prettier-ignore
    expect(await cli(server, 'forget', '--pattern', 'lab-*')).toMatchObject({ code: 0, err: expect.stringMatching(/^35 names with 70 samples are forgotten/) as unknown }); // prettier-ignore
    // who is asked before the mark has come up waits for it
    expect((await postLines(server, honest, linesOf(['web-new'], startMs))).status).toBe(202);
    const { samples, vms } = await untilStored(server);
    expect({ ...samples, vms }).toMatchObject({ accepted: 86, applied: 16, forgotten: 70, vms: 6 });
    expect(await allRows(server, '/v1/names?pattern=lab-*')).toMatchObject([{ vm: 'lab-01' }, { vm: 'lab-02' }]);
    expect((await server.call('/v1/vms/lab-05/samples?from=2020-01-01T00:00:00Z&to=2099-01-01T00:00:00Z')).status).toBe(404);
  });

  it('stay on record, and the proof counts them', async () => {
    const rows = await allRows<object>(server, '/v1/names/forgotten?limit=20');
    expect(rows).toHaveLength(35);
    expect(rows[0]).toMatchObject({ vm: 'lab-03', samples: 2, conflicts: 0, expired: false, agents: ['flooder'] });
    expect((await cli(server, 'forgotten')).out).toContain('lab-37');
    const proof = await verified(server);
    expect(proof).toMatchObject({ code: 0, err: '' });
    expect(proof.out).toContain('86 accepted = 16 raw samples + 0 duplicate + 0 conflict + 70 forgotten.');
    expect(proof.out).toContain('35 names were forgotten, and 70 samples with them');
  });

  it('that come again begin anew, also after a restart, and a key has all of its share again', async () => {
    await server.end('SIGTERM');
    server = await folder.start(ENV);
    expect((await postLines(server, flooder, linesOf(names(5, 19, 'lab'), startMs))).status).toBe(202);
    expect((await postLines(server, flooder, linesOf(names(19, 37, 'lab'), startMs))).status).toBe(202);
    expect((await postLines(server, flooder, linesOf(names(37, 40, 'lab'), startMs))).status).toBe(503);
    const { samples, vms } = await untilStored(server);
    expect({ ...samples, vms }).toMatchObject({ accepted: 150, applied: 80, forgotten: 70, vms: 38 });
    expect(await verified(server)).toMatchObject({ code: 0 });
  });
});

describe('a server that is killed while names are forgotten', () => {
  let folder: ServedFolder;
  beforeAll(async () => {
    folder = await newFolder('forget-killed');
  });
  afterAll(() => folder.remove());

  it.each(NAMES_FAULT_POINTS.map((point, i) => ({ point, i })))(
    'at $point has forgotten them at the next start',
    async ({ point, i }) => {
      const startMs = Date.now() - 600_000;
      let server = await folder.start({ ...ENV, UPTALLY_TEST_CRASH: point });
      const { key } = await agentKey(server, `agent-${i}`);
      const gone = names(0, 5, `gone${i}`);
      await postLines(server, key, [...linesOf(gone, startMs), ...linesOf(gone, startMs), ...linesOf([`stays${i}`], startMs)]);
      await untilStored(server);
      // the answer may be cut off by the death
      await sendJson(server, 'POST', '/v1/names/forget', { vms: gone }).catch(() => undefined);
      expect(await within('its death', server.exited)).toEqual({ code: null, signal: 'SIGKILL' });
      const again = await startOrDie({ dir: join(folder.dir, 'data'), env: ENV });
      if (again === undefined) throw new Error('killed at its start');
      server = again;
      const { samples, vms } = await untilStored(server);
      expect({ ...samples, vms }).toMatchObject({
        accepted: 22 * (i + 1),
        duplicate: 10 * (i + 1),
        forgotten: 10 * (i + 1),
        applied: 2 * (i + 1),
        vms: i + 1,
      });
      expect(await verified(server)).toMatchObject({ code: 0 });
      await server.end('SIGTERM');
    },
  );
});
