import { afterEach, expect, it } from 'vitest';
import { runCli } from '../support/fake-cli.ts';
import { type Answer, type FakeServer, startFakeServer } from '../support/fake-server.ts';

/** `uptally charge-days` over many accounts: it goes on where an answer says, and shows how far it is. */
const servers: FakeServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

const ACCOUNTS = ['a', 'b', 'c', 'd', 'e'];
/** Two accounts an answer, as the API gives them. */
function pageAfter(text: string): Answer {
  const { after } = JSON.parse(text) as { after?: string };
  const rest = ACCOUNTS.filter((id) => after === undefined || id > after);
  const accounts = rest.slice(0, 2).map((account) => ({
    account,
    state: 'ok',
    balance: '5.00',
    waiting: account === 'e' ? '2026-03-02' : null,
    entries: [
      { kind: 'charge', at: '2026-03-02T00:00:00Z', amount: '-10.00', balance: '5.00', source: 'usage', day: { date: '2026-03-01' } },
    ],
  }));
  return { status: 200, body: { accounts, left: rest.length - accounts.length, next: rest.length > 2 ? accounts[1]?.account : null } };
} // prettier-ignore
const LINES = ACCOUNTS.flatMap((account) => [
  `${account}: 5.00, ok`,
  '  charge 2026-03-01 -10.00: usage',
  ...(account === 'e' ? ['  2026-03-02 waits for its usage to be complete'] : []),
]);
async function serve(respond: (text: string, n: number) => Answer = pageAfter) {
  const server = await startFakeServer(({ text }, n) => respond(text, n));
  servers.push(server);
  return { server, env: { UPTALLY_SERVER: server.url, UPTALLY_KEY: 'k' } };
}

it('asks until nothing is left, and says every few seconds how far it is', async () => {
  const { server, env } = await serve();
  const run = await runCli(['charge-days'], { env, tickMs: 2_000 });
  expect(server.seen.map(({ text }) => JSON.parse(text) as object)).toEqual([{}, { after: 'b' }, { after: 'd' }]);
  expect(run).toMatchObject({ code: 0, out: `${LINES.join('\n')}\n` });
  expect(run.err).toMatch(/^(\d of 5 accounts\n)+$/);
});

it('says nothing of its progress when it is done at once', async () => {
  const { env } = await serve();
  expect(await runCli(['charge-days'], { env })).toMatchObject({ code: 0, err: '', out: `${LINES.join('\n')}\n` });
});

it('on a terminal draws a bar on stderr and takes it away; the lines follow on stdout', async () => {
  const { env } = await serve();
  const run = await runCli(['charge-days'], { env, terminal: true });
  expect(run).toMatchObject({ code: 0, out: `${LINES.join('\n')}\n` });
  expect(run.err).toContain('0 of 0 accounts | ');
  expect(run.err).toContain('5 of 5 accounts | ');
  // The cursor is hidden while the bar is drawn; at the end its line is cleared and the cursor is back.
  expect(run.err).toMatch(/\x1b\[\?25l[^]*\x1b\[\?25h/); // eslint-disable-line no-control-regex
  expect(run.err).toMatch(/\x1b\[2K[^\n]*$/); // eslint-disable-line no-control-regex
});

it('a failure leaves the terminal as it was, tells what was charged before, and ends in 1', async () => {
  const refusal = { status: 503, body: { code: 'store_unavailable', detail: 'try again' } };
  const { env } = await serve((text, n) => (n === 0 ? pageAfter(text) : refusal));
  const run = await runCli(['charge-days'], { env, terminal: true });
  expect(run).toMatchObject({ code: 1, out: `${LINES.slice(0, 4).join('\n')}\n` });
  expect(run.err).toContain('\x1b[?25h');
  expect(run.err).toMatch(/503 store_unavailable: try again\n$/);
});

it('of one account prints the answer as it is with --json', async () => {
  const { server, env } = await serve(() => ({ status: 200, body: { accounts: [], left: 0, next: null } }));
  const run = await runCli(['charge-days', '--account', 'a', '--from', '2026-03-01T00:00:00Z', '--json'], { env });
  expect(run).toMatchObject({ code: 0, out: '{"accounts":[],"left":0,"next":null}\n' });
  expect(JSON.parse(server.seen[0]?.text ?? '')).toEqual({ account: 'a', from: '2026-03-01T00:00:00Z' });
});

it('goes on within an account as the answer says, and waits for a server that is away', async () => {
  const entry = (date: string) => ({ kind: 'charge', at: '', amount: '-1.00', balance: '0.00', source: 'usage', day: { date } });
  const part = (date: string, more: boolean): Answer => ({
    status: 200,
    body: {
      accounts: [{ account: 'a', state: 'ok', balance: '0.00', waiting: null, more, entries: [entry(date)] }],
      left: more ? 1 : 0,
      next: more ? '~a' : null,
    },
  });
  const away = { status: 503, body: { code: 'store_unavailable', detail: 'try again' } };
  const answers = [part('2026-03-01', true), away, away, part('2026-03-02', false)];
  const { server, env } = await serve((_, n) => answers[n] ?? away);
  const run = await runCli(['charge-days', '--account', 'a'], { env, tickMs: 2_000 });
  expect(run.code).toBe(0);
  expect(run.waits).toHaveLength(2);
  const resumed = { account: 'a', after: '~a' };
  expect(server.seen.map(({ text }) => JSON.parse(text) as object)).toEqual([{ account: 'a' }, resumed, resumed, resumed]);
  expect(run.out).toContain('charge 2026-03-01');
  expect(run.out).toContain('charge 2026-03-02');
  expect(run.err).toContain('0 of 1 accounts, up to 2026-03-01');
});

it('reconcile goes on where an answer says, too, and adds up what it has heard', async () => {
  const { server, env } = await serve((text) => {
    const { after } = JSON.parse(text) as { after?: string };
    const isFirst = after === undefined;
    return { status: 200, body: { checked: 3, dry_run: true, invoices: [], left: isFirst ? 3 : 0, next: isFirst ? 'i3' : null } };
  });
  const run = await runCli(['reconcile', '--dry-run'], { env });
  expect(run).toMatchObject({ code: 0, out: '6 final invoices rated again, 0 differ\n' });
  expect(server.seen.map(({ text }) => JSON.parse(text) as object)).toEqual([{ dry_run: true }, { dry_run: true, after: 'i3' }]);
});
