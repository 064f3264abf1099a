import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ADMIN, callOf, doneOf, openCatalog, serverOn } from '../support/api.ts';
import { type CliRun, runCli } from '../support/fake-cli.ts';
import { insertFleet, ms } from '../support/rows.ts';
import { openTestStore, type TestStore } from '../support/store.ts';

/** `uptally incidents` against the API: shown, recorded, listed, withdrawn. */
const RANGE = ['--from', '2026-03-01T00:11:00Z', '--to', '2026-03-01T01:10:00Z'] as const;

describe('wrong usage ends in 2, says what is right and asks no server', () => {
  it.each<[string[], RegExp]>([
    [['record', ...RANGE, '--cause', 'provider'], /about which VMs\?/],
    [['record', ...RANGE, '--cause', 'provider', '--vm', 'v1', '--all'], /give one of --vm/],
    [['record', ...RANGE, '--vm', 'v1'], /--cause/],
    [['record', ...RANGE, '--vm', 'v1', '--cause', 'silent'], /Allowed choices are provider, third_party/],
    [['record', '--vm', 'v1', '--cause', 'provider', '--to', '2026-03-01T01:10:00Z'], /--from/],
    [['withdraw'], /missing required argument/],
  ])('%j', async (args, message) => {
    const run = await runCli(['incidents', ...args], { env: { UPTALLY_SERVER: 'http://127.0.0.1:1', UPTALLY_KEY: 'k' } });
    expect(run).toMatchObject({ code: 2, out: '', err: expect.stringMatching(message) as unknown });
  });
});

it.each([[['incidents', '--help']], [['incidents', 'record', '--help']], [['incidents', 'withdraw', '--help']]])('%j shows examples', async (args) => {
  expect(await runCli(args)).toMatchObject({ code: 0, out: expect.stringContaining('Examples:') as unknown });
}); // prettier-ignore

describe('an incident from the command line', () => {
  let test: TestStore;
  let app: FastifyInstance;
  let env: Record<string, string>;
  const cli = (...args: string[]): Promise<CliRun> => runCli(['incidents', ...args], { env });
  const incidents = async (): Promise<Record<string, unknown>[]> =>
    (await callOf(app)('GET', '/v1/incidents')).body['incidents'] as Record<string, unknown>[];
  const done = doneOf(() => app);

  beforeAll(async () => {
    test = await openTestStore();
    await insertFleet(test.store);
    const catalog = await openCatalog(test.store, () => ms('12:00'));
    app = await serverOn(test.store, catalog);
    await app.listen({ host: '127.0.0.1', port: 0 });
    env = { UPTALLY_SERVER: `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`, UPTALLY_KEY: ADMIN };
    await done('PUT', '/v1/plans/p', { currency: 'CNY', time_zone: 'UTC', price: { amount: '14.40', per: 'day' } });
    await done('PUT', '/v1/accounts/a1', { name: 'A', currency: 'CNY' });
    await done('PUT', '/v1/vms/v1', { account: 'a1', plans: [{ plan: 'p', from: 0 }] });
    const day = { account: 'a1', from: '2026-03-01T00:00:00Z', to: '2026-03-02T00:00:00Z' };
    const { id } = await done('POST', '/v1/invoices', { ...day, mode: 'draft' });
    // Three hours of the day have been metered.
    await done('POST', `/v1/invoices/${String(id)}/finalize?allow_incomplete=true`);
  });
  afterAll(async () => {
    await app.close();
    await test.remove();
  });

  // v1: the provider's 00:10 to 00:12:30, silent 01:00 to 01:30.
  const RECORD = ['record', '--vm', 'v1', ...RANGE, '--cause', 'maintenance', '--note', 'ticket 7'] as const;

  it('is shown by a dry run, with VMs, minutes and final invoices, and not recorded', async () => {
    expect(await cli(...RECORD, '--dry-run')).toMatchObject({
      code: 0,
      err: '',
      out: [
        '12 minutes of 1 of 1 VM in scope restated',
        'VM  minutes',
        'v1       12',
        'final invoice 1 of a1 rates to another amount: uptally reconcile corrects it',
        'dry run: nothing is recorded\n',
      ].join('\n'),
    });
    expect(await incidents()).toEqual([]);
  });

  it.each([
    { args: ['--account', 'a1'], scope: { account: 'a1' }, text: 'account a1', minutes: 59 },
    { args: ['--all'], scope: { all: true }, text: 'all', minutes: 69 },
    { args: ['--vm', 'v1', '--vm', 'v9'], scope: { vms: ['v1', 'v9'] }, text: 'v1 v9', minutes: 59 },
    { args: ['--agent', 'h9'], scope: { agent: 'h9' }, text: 'agent h9', minutes: 0 },
  ])('is recorded about $text, listed, shown before it is withdrawn, and withdrawn', async ({ args, scope, text, minutes }) => {
    const recorded = await cli('record', ...args, ...RANGE, '--cause', 'attack', '--asserts-down');
    expect(recorded).toMatchObject({ code: 0, err: '' });
    expect(recorded.out.includes('nothing is known of VM v9: is the name right?\n')).toBe(args.includes('v9'));
    const last = (await incidents()).at(-1);
    const id = String(last?.['id']);
    expect(last).toMatchObject({ scope, cause: 'attack', asserts_down: true, withdrawn_at: null });
    expect(recorded.out).toMatch(new RegExp(`^${minutes} minutes of .* restated\n[^]*recorded as incident ${id}\n$`));
    expect((await cli('list')).out).toMatch(new RegExp(`${id}  2026-03-01T00:11:00Z  2026-03-01T01:10:00Z  attack, down +${text} +admin#bootstrap +-`)); // prettier-ignore

    const shown = await cli('withdraw', id, '--dry-run');
    expect(shown.out).toMatch(new RegExp(`^${minutes} minutes of .* restated\n`));
    expect(shown.out).toMatch(/dry run: nothing is withdrawn\n$/);
    expect((await incidents()).at(-1)).toMatchObject({ withdrawn_at: null });
    expect(await cli('withdraw', id)).toMatchObject({ code: 0, out: '', err: `incident ${id} is withdrawn\n` });
    expect((await cli('list')).out).toMatch(new RegExp(`${id} .* 2026-03-01T12:00:00Z`));
  });

  it("prints the server's own answers with --json", async () => {
    const shown = await cli(...RECORD, '--dry-run', '--json');
    expect(JSON.parse(shown.out)).toMatchObject({
      dry_run: true,
      minutes: 12,
      note: 'ticket 7',
      final_invoices: [{ number: 1 }],
    });
    expect(JSON.parse((await cli('list', '--json')).out)).toEqual({ incidents: await incidents() });
  });

  it.each<[string[], RegExp]>([
    [['withdraw', 'nope'], /404 incident_unknown: there is no incident nope/],
    [['withdraw', 'nope', '--dry-run'], /404 incident_unknown/],
    [['record', '--account', 'nobody', ...RANGE, '--cause', 'provider'], /invalid_reference: scope\.account: there is no account nobody/],
    [['record', '--all', '--from', '2026-03-02T00:00:00Z', '--to', '2026-03-01T00:00:00Z', '--cause', 'provider'], /must be after from/],
  ])('what the server refuses ends in 1 with its words: %j', async (args, message) => {
    expect(await cli(...args)).toMatchObject({ code: 1, out: '', err: expect.stringMatching(message) as unknown });
  }); // prettier-ignore
});
