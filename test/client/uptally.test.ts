import { afterEach, describe, expect, it } from 'vitest';
import { ApiError } from '../../src/client/wire/api-error.ts';
import { Uptally, type UptallyOptions } from '../../src/client/uptally.ts';
import { type Answer, type FakeServer, type SeenRequest, startFakeServer } from '../support/fake-server.ts';

const opened: (FakeServer | Uptally)[] = [];
afterEach(async () => {
  for (const each of opened.splice(0).reverse()) await each.close();
});

/** A client whose clock goes on by what it waits. */
async function clientOf(
  respond: (request: SeenRequest, n: number) => Answer | 'reset',
  options: Partial<UptallyOptions> = {},
): Promise<{ uptally: Uptally; server: FakeServer; waits: number[] }> {
  const server = await startFakeServer(respond);
  const waits: number[] = [];
  let nowMs = 0;
  const uptally = new Uptally({
    server: server.url,
    key: 'k',
    now: () => nowMs,
    random: () => 0.5,
    sleep: (ms) => {
      waits.push(ms);
      nowMs += ms;
      return Promise.resolve();
    },
    ...options,
  });
  opened.push(server, uptally);
  return { uptally, server, waits };
}

const problem = (status: number, code: string, more: object = {}): Answer => ({
  status,
  body: { code, detail: 'so it is', ...more },
});
const key = { id: 'k1', role: 'agent', name: 'a', vms: null, created_at: '2026-03-01T00:00:00Z' };
const failure = async (call: Promise<unknown>): Promise<ApiError> => {
  try {
    await call;
  } catch (error) {
    if (error instanceof ApiError) return error;
    throw error;
  }
  throw new Error('the call was answered');
};

describe('rows', () => {
  const row = (start: string, bytes: string): string => `{"start":"${start}","rx_bytes":${bytes},"tx_bytes":7}`;

  it('come page after page, exact, the question on the first page and the cursor alone on those after it', async () => {
    const { uptally, server } = await clientOf((_, n) => ({
      status: 200,
      body: n === 0 ? `{"rows":[${row('a', '18446744073709551615')}],"next":"c 1"}` : `{"rows":[${row('b', '1')}],"next":null}`,
    }));
    const rows = [];
    const range = { from: new Date(0), to: '1970-01-02T00:00:00+08:00', step: 'hour' } as const;
    for await (const each of uptally.metering.traffic('a/b', range)) rows.push(each);
    expect(rows).toEqual([
      { start: 'a', rx_bytes: 18446744073709551615n, tx_bytes: 7n },
      { start: 'b', rx_bytes: 1n, tx_bytes: 7n },
    ]);
    expect(server.seen.map(({ url }) => url)).toEqual([
      '/v1/vms/a%2Fb/traffic?step=hour&from=1970-01-01T00%3A00%3A00.000Z&to=1970-01-02T00%3A00%3A00%2B08%3A00',
      '/v1/vms/a%2Fb/traffic?cursor=c+1',
    ]);
  });

  it('are not asked for any more when the loop is left', async () => {
    const { uptally, server } = await clientOf(() => ({ status: 200, body: `{"rows":[${row('a', '1')}],"next":"more"}` }));
    for await (const { start } of uptally.metering.traffic('v', { from: 0, to: 1, step: 'day' })) if (start === 'a') break;
    expect(server.seen).toHaveLength(1);
  });

  it('of a run go on behind the account that the answer before ended with', async () => {
    const outcome = {
      account: 'a1',
      outcome: 'created',
      invoice: 'i',
      number: null,
      currency: 'EUR',
      total: '1.00',
      code: null,
      reason: null,
    };
    const part = { period: '2026-03', dry_run: true, accounts: 2 };
    const { uptally, server } = await clientOf((_, n) => ({
      status: 200,
      body: { ...part, outcomes: [{ ...outcome, account: `a${n + 1}` }], next: n === 0 ? 'a1' : null },
    }));
    const accounts = [];
    for await (const { account } of uptally.invoices.run({ period: '2026-03', dryRun: true })) accounts.push(account);
    expect(accounts).toEqual(['a1', 'a2']);
    expect(server.seen.map(({ text }) => JSON.parse(text) as unknown)).toEqual([
      { period: '2026-03', dry_run: true },
      { period: '2026-03', dry_run: true, after: 'a1' },
    ]);
  });
});

describe('errors', () => {
  it('have the code of the problem and what is wrong with the fields', async () => {
    const { uptally } = await clientOf(() => problem(400, 'invalid_body', { errors: [{ field: 'price', message: 'must be' }] }));
    const error = await failure(uptally.plans.put('p', {}));
    expect(error).toMatchObject({
      status: 400,
      code: 'invalid_body',
      retryable: false,
      fields: [{ field: 'price', message: 'must be' }],
    });
    expect(error.message).toBe('PUT /v1/plans/p: 400 invalid_body: so it is');
  });

  it.each([
    ['another shape', { status: 200, body: { keys: [{ id: 3 }] } }, 'unexpected_answer'],
    ['no JSON', { status: 200, body: '<html>' }, 'unexpected_answer'],
    ['no problem of ours', { status: 404, body: 'not here' }, 'http_404'],
  ])('tell an answer that is %s', async (_, answer, code) => {
    const { uptally } = await clientOf(() => answer);
    expect((await failure(uptally.keys.list())).code).toBe(code);
  });

  it('say at once that an address is none', () => {
    expect(() => new Uptally({ server: 'ftp://x', key: 'k' })).toThrow(/must be an http or https URL/);
  });
});

describe('what may work later', () => {
  it('is asked again, no sooner than the server wants, until it is answered', async () => {
    const { uptally, server, waits } = await clientOf((_, n) =>
      n === 0
        ? { ...problem(503, 'store_unavailable'), headers: { 'retry-after': '7' } }
        : n === 1
          ? 'reset'
          : { status: 200, body: { keys: [key] } },
    );
    expect(await uptally.keys.list()).toHaveLength(1);
    expect(server.seen).toHaveLength(3);
    expect(waits).toEqual([7_250, 500]);
  });

  it('is given up when patience ends, with the last error', async () => {
    const { uptally, waits } = await clientOf(() => problem(503, 'store_unavailable'), { patienceMs: 10_000 });
    expect((await failure(uptally.keys.list())).code).toBe('store_unavailable');
    expect(waits.reduce((sum, ms) => sum + ms, 0)).toBeLessThanOrEqual(10_000);
    expect(waits.length).toBeGreaterThan(2);
  });

  it.each([
    ['is lost', 'reset' as const],
    ['says that the database is away', problem(503, 'store_unavailable')],
  ])('is left to the caller when the answer to what counts twice %s', async (_, answer) => {
    const { uptally, server } = await clientOf(() => answer);
    expect((await failure(uptally.invoices.pay('i', { amount: '1.00' }))).retryable).toBe(true);
    expect(server.seen).toHaveLength(1);
  });

  it('bears a key under which the server does it once: it is asked again, under the same', async () => {
    const { uptally, server } = await clientOf((_, n) => (n === 0 ? 'reset' : { status: 201, body: {} }));
    await uptally.call('POST', '/v1/incidents', { body: {}, idempotencyKey: 'mine' });
    expect(server.seen.map(({ headers }) => headers['idempotency-key'])).toEqual(['mine', 'mine']);
  });

  it('counts twice and was certainly not begun: it is asked again', async () => {
    const { uptally } = await clientOf((_, n) =>
      n === 0 ? problem(429, 'too_many_requests') : { status: 201, body: { id: 'k1', key: 's' } },
    );
    expect(await uptally.keys.create({ role: 'agent', name: 'a' })).toMatchObject({ id: 'k1', key: 's' });
  });
});
