import { describe, expect, it } from 'vitest';
import { ADDRESSES_MAX, WRONG_KEYS_A_MINUTE, WRONG_KEYS_MAX, WrongKeys } from '../../src/http/wrong-keys.ts';

let nowMs = 0;

const isRefused = (work: () => void): boolean => {
  try {
    work();
    return false;
  } catch {
    return true;
  }
};
/** Shows wrong keys until one is refused; how many were judged. */
const guess = (keys: WrongKeys, address: string): number => {
  for (let n = 0; ; n++)
    if (
      isRefused(() => {
        keys.judge(address, undefined, 'guess');
      })
    )
      return n;
};

describe('wrong keys', () => {
  it('are bounded by address, and come again with time', () => {
    const keys = new WrongKeys(() => nowMs);
    expect(guess(keys, '192.0.2.1')).toBe(WRONG_KEYS_MAX);
    expect(guess(keys, '192.0.2.2')).toBe(WRONG_KEYS_MAX);
    nowMs += 60_000 / WRONG_KEYS_A_MINUTE;
    expect(guess(keys, '192.0.2.1')).toBe(1);
    expect(() => {
      keys.judge('192.0.2.1', undefined, 'guess');
    }).toThrow(expect.objectContaining({ code: 'too_many_requests', headers: { 'retry-after': '3' } }));
  });

  it('lock nobody out who has a key of chance, or was right from there before, and tell no guess that it is right', () => {
    const keys = new WrongKeys(() => nowMs);
    keys.judge('192.0.2.1', 'k1', 'mine');
    guess(keys, '192.0.2.1');
    keys.judge('192.0.2.1', 'k1', 'mine');
    expect(
      isRefused(() => {
        keys.judge('192.0.2.1', 'k2', 'yours');
      }),
    ).toBe(true);
    keys.judge('192.0.2.9', 'k2', 'yours');
    // that one is of chance
    keys.judge('192.0.2.1', 'k3', `upt_${'aB3-_'.repeat(9).slice(0, 43)}`);
  });

  it('are counted by the network that one customer has', () => {
    const keys = new WrongKeys(() => nowMs);
    guess(keys, '2001:db8:1:2::1');
    expect(guess(keys, '2001:db8:1:2:ffff::9')).toBe(0);
    expect(guess(keys, '2001:db8:1:3::1')).toBe(WRONG_KEYS_MAX);
    expect(guess(keys, '2001:db8::1')).toBe(WRONG_KEYS_MAX);
    expect(guess(keys, '2001:db8::2')).toBe(0);
  });

  it('take no more memory than so many addresses', () => {
    const keys = new WrongKeys(() => nowMs);
    guess(keys, '192.0.2.1');
    for (let n = 0; n < ADDRESSES_MAX; n++) keys.judge(`a${n}`, undefined, 'guess');
    expect(guess(keys, '192.0.2.1')).toBe(WRONG_KEYS_MAX);
  });
});
