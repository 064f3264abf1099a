import { describe, expect, it } from 'vitest';
import { type Outage, Retrier, type RetryOptions } from '../../src/store/retry.ts';
import { StoreError } from '../../src/store/store.ts';

const named = (name: string, values: object): Error => Object.assign(new Error(name), values);

function retrier(options: Partial<RetryOptions> = {}): { retrier: Retrier; outages: (Outage | undefined)[] } {
  const outages: (Outage | undefined)[] = [];
  const made = new Retrier({
    attemptMs: 1000,
    attemptMsMax: 1000,
    backoffMs: 1,
    backoffMsMax: 4,
    now: () => 42,
    random: () => 0.5,
    onOutage: (outage) => outages.push(outage),
    ...options,
  });
  return { retrier: made, outages };
}

describe('a call to a store that is away', () => {
  it('is made again until it succeeds, and the outage is told from its first failure to its end', async () => {
    const { retrier: patient, outages } = retrier();
    let tries = 0;
    const value = await patient.run('asked', () => {
      tries += 1;
      return tries < 5 ? Promise.reject(named('reset', { code: 'ECONNRESET' })) : Promise.resolve('there');
    });
    expect([value, tries]).toEqual(['there', 5]);
    expect(outages.map((outage) => outage?.sinceMs)).toEqual([42, 42, 42, 42, undefined]);
    expect(outages[0]?.error).toMatchObject({ code: 'ECONNRESET', retryable: true });
  });

  it('ends with the last error when patience does', async () => {
    const { retrier: impatient } = retrier({ patienceMs: 50 });
    await expect(impatient.run('asked', () => Promise.reject(named('full', { type: 'TOO_MANY_PARTS' })))).rejects.toMatchObject({
      code: 'TOO_MANY_PARTS',
      retryable: true,
    });
  });

  it('gives up an attempt that does not end, and gives the next one more time', async () => {
    const { retrier: patient, outages } = retrier({ attemptMs: 5 });
    const aborted: boolean[] = [];
    const value = await patient.run('asked', async (signal) => {
      if (aborted.length === 2) return 'there';
      const at = aborted.push(false) - 1;
      return new Promise<string>(() => {
        signal.addEventListener('abort', () => (aborted[at] = true));
      });
    });
    expect([value, aborted]).toEqual(['there', [true, true]]);
    expect(outages.map((outage) => outage?.error.message)).toEqual([
      'asked: no answer within 5 ms',
      'asked: no answer within 10 ms',
      undefined,
    ]);
  });

  it.each(['while it waits', 'before it begins'])('ends when the store is closed %s', async (when) => {
    const { retrier: patient } = retrier({ backoffMs: 1e9, backoffMsMax: 1e9 });
    if (when === 'before it begins') patient.close();
    const running = patient.run('asked', () => Promise.reject(named('away', { code: 'ECONNREFUSED' })));
    queueMicrotask(() => {
      patient.close();
    });
    await expect(running).rejects.toMatchObject({ code: 'store_closed', retryable: false });
  });
});

describe('what is tried again', () => {
  const again = [
    ...[
      'TOO_MANY_PARTS',
      'MEMORY_LIMIT_EXCEEDED',
      'TABLE_IS_READ_ONLY',
      'TIMEOUT_EXCEEDED',
      'KEEPER_EXCEPTION',
      'CANNOT_READ_ALL_DATA',
    ].map((type) => named(type, { type, code: '1' })),
    ...[
      'ECONNREFUSED',
      'ECONNRESET',
      'EPIPE',
      'ETIMEDOUT',
      'ENOTFOUND',
      'HPE_INVALID_CONSTANT',
      'ERR_STREAM_PREMATURE_CLOSE',
    ].map((code) => named(code, { code })),
    named('socket hang up', {}),
    new Error('<html>502 Bad Gateway</html>'),
    new SyntaxError('Unterminated string in JSON'),
    new StoreError('own', 'own', true),
  ];
  const never = [
    ...[
      'SYNTAX_ERROR',
      'UNKNOWN_IDENTIFIER',
      'NO_SUCH_COLUMN_IN_TABLE',
      'UNKNOWN_TABLE',
      'AUTHENTICATION_FAILED',
      'ACCESS_DENIED',
      'READONLY',
    ].map((type) => named(type, { type, code: '1' })),
    named('certificate', { code: 'CERT_HAS_EXPIRED' }),
    named('certificate', { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }),
    new TypeError('a fault of this program'),
    new StoreError('own', 'own', false),
  ];
  it.each([...again.map((error) => [error, true] as const), ...never.map((error) => [error, false] as const)])(
    '%s: %s',
    async (error, retryable) => {
      let tries = 0;
      const outcome = retrier().retrier.run('asked', () => {
        tries += 1;
        return tries === 1 ? Promise.reject(error) : Promise.resolve('there');
      });
      if (retryable) expect(await outcome).toBe('there');
      else await expect(outcome).rejects.toMatchObject({ retryable: false });
      expect(tries).toBe(retryable ? 2 : 1);
    },
  );
});
