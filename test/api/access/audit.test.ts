import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ApiAnswer, callOf, doneOf, openCatalog, serverOn } from '../../support/api.ts';
import { runCli } from '../../support/fake-cli.ts';
import { openTestStore, type TestStore } from '../../support/store.ts';

let test: TestStore;
let app: FastifyInstance;
let url: string;
let nowMs = Date.parse('2026-03-01T12:00:00Z');
let billing: { id: string; key: string };
const done = doneOf(() => app);
const RANGE = 'from=2026-03-01T00:00:00Z&to=2026-03-02T00:00:00Z';
const ask = async (more = '', key?: string): Promise<ApiAnswer> => callOf(app, key)('GET', `/v1/audit?${RANGE}${more}`);
interface Row {
  readonly seq: number;
  readonly at: string;
  readonly who: string;
  readonly what: string;
  readonly id: string;
}
const rowsOf = (answer: ApiAnswer): Row[] => answer.body['rows'] as Row[];

beforeAll(async () => {
  test = await openTestStore();
  const catalog = await openCatalog(test.store, () => nowMs);
  app = await serverOn(test.store, catalog, { now: () => nowMs });
  url = await app.listen({ host: '127.0.0.1', port: 0 });
  billing = await done('POST', '/v1/keys', { role: 'billing', name: 'accounting' }, { 'idempotency-key': 'once' });
  nowMs += 1000;
  await done('PUT', '/v1/accounts/a1', { name: 'A', currency: 'EUR', tax_percent: '0', language: 'en' });
  await callOf(app, null)('POST', '/v1/session', { key: billing.key });
  nowMs += 86_400_000;
  await done('PUT', '/v1/accounts/a2', { name: 'B', currency: 'EUR', tax_percent: '0', language: 'en' });
});
afterAll(async () => {
  await app.close();
  await test.remove();
});

describe('the audit', () => {
  it('has who recorded what and when, in its order, and no mark of the server', async () => {
    const rows = rowsOf(await ask());
    expect(rows.map(({ what, id, who }) => [what, id, who])).toEqual([
      ['key', 'bootstrap', 'system'],
      ['key', billing.id, 'admin#bootstrap'],
      ['account', 'a1', 'admin#bootstrap'],
      ['session', expect.any(String), `accounting#${billing.id}`],
    ]);
    expect(rows[2]?.at).toBe('2026-03-01T12:00:01Z');
  });

  it('is asked by key, kind and thing', async () => {
    for (const who of ['accounting', billing.id, `accounting%23${billing.id}`])
      expect(rowsOf(await ask(`&who=${who}`)).map(({ what }) => what)).toEqual(['session']);
    expect(rowsOf(await ask('&what=account')).map(({ id }) => id)).toEqual(['a1']);
    expect(rowsOf(await ask('&id=a1')).length).toBe(1);
    expect(rowsOf(await ask('&who=account')).length).toBe(0);
  });

  it('comes in pages that leave nothing out and repeat nothing', async () => {
    const whole = rowsOf(await ask());
    const found: Row[] = [];
    for (let more: string | null = '&limit=1'; more !== null;) {
      const answer: ApiAnswer = await ask(more);
      found.push(...rowsOf(answer));
      const next = answer.body['next'] as string | null;
      more = next === null ? null : `&limit=1&cursor=${next}`;
    }
    expect(found).toEqual(whole);
  });

  it('is an admin’s alone, and has no secret in it', async () => {
    expect((await ask('', billing.key)).status).toBe(403);
    expect((await ask()).text).not.toContain('digest');
  });

  it('is exported by the command line, as rows of JSON and as CSV', async () => {
    const args = ['audit', '--from', '2026-03-01T00:00:00Z', '--to', '2026-03-02T00:00:00Z', '--what', 'account'];
    const env = { UPTALLY_SERVER: url, UPTALLY_KEY: 'an-admin-key-for-the-tests' };
    const json = await runCli([...args, '--json'], { env });
    expect([json.code, JSON.parse(json.out) as Row], json.err).toEqual([0, rowsOf(await ask('&what=account'))[0]]);
    const csv = await runCli([...args, '--csv'], { env });
    expect(csv.out.split('\r\n').slice(0, 2)).toEqual([
      'seq,at,who,what,id',
      expect.stringMatching(/^\d+,2026-03-01T12:00:01Z,admin#bootstrap,account,a1$/),
    ]);
  });
});
