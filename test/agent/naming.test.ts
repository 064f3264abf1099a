import { describe, expect, it } from 'vitest';
import { parseHost } from '../../src/agent/naming.ts';

describe('the name of the host in samples', () => {
  it.each([
    ['hv-7', 'x', 'hv-7'],
    ['auto', 'hv7.example.net', 'hv7.example.net'],
    ['auto', 'hv 7/ä', 'hv_7__'],
    ['auto', 'h'.repeat(70), 'h'.repeat(64)],
  ])('%s on "%s" is %s', (text, ownName, name) => {
    expect(parseHost(text, ownName)).toBe(name);
  });

  it.each([
    ['auto', 'localhost'],
    ['auto', 'localhost.localdomain'],
    ['auto', ''],
    ['', 'hv7'],
    ['a b', 'hv7'],
    ['n'.repeat(65), 'hv7'],
  ])('%s on "%s" is refused', (text, ownName) => {
    expect(() => parseHost(text, ownName)).toThrow(/name/);
  });
});
