import { describe, expect, it } from 'vitest';
import { digestOf, keyFromBytes, keyRequest, KeyRing } from '../../src/catalog/keys.ts';
import { matchesAny } from '../../src/domain/pattern.ts';

describe('keys', () => {
  it('are 32 bytes behind a prefix', () => {
    expect(keyFromBytes(new Uint8Array(32))).toBe(`upt_${'A'.repeat(43)}`);
    expect(() => keyFromBytes(new Uint8Array(16))).toThrow();
  });

  it('are found by what is presented, until revoked or replaced', () => {
    const ring = new KeyRing();
    const body = { role: 'agent' as const, name: 'h1', vms: ['a*'], digest: digestOf('one').toString('hex'), revoked: false };
    ring.set('k1', body);
    ring.set('k2', { ...body, name: 'h2', digest: digestOf('two').toString('hex') });
    expect(ring.find('one')).toEqual({ id: 'k1', name: 'h1', role: 'agent', vms: ['a*'] });
    expect([ring.find('three'), ring.find(''), ring.find('one'.repeat(1000))]).toEqual([undefined, undefined, undefined]);
    ring.set('k1', { ...body, digest: digestOf('new').toString('hex') });
    expect([ring.find('one'), ring.find('new')?.id]).toEqual([undefined, 'k1']);
    ring.set('k1', { ...body, revoked: true });
    expect([ring.find('new'), ring.find('two')?.id]).toEqual([undefined, 'k2']);
  });

  it.each([
    ['*', 'anything', true],
    ['*', '', true],
    ['web-*', 'web-1', true],
    ['web-*', 'db-1', false],
    ['*-1', 'web-1', true],
    ['*-1', 'web-11', false],
    ['a*b*c', 'a1b2c', true],
    ['a*b*c', 'abc', true],
    ['a*b*c', 'ac', false],
    ['aa*aa', 'aaa', false],
    ['a*aa*a', 'aaa', false],
    ['v1', 'v1', true],
    ['v1', 'v10', false],
    ['a.b', 'axb', false],
    ['*a'.repeat(30), 'a'.repeat(29), false],
  ])('pattern %s and VM %s: %s', (glob, vm, is) => {
    expect(matchesAny(['never-this', glob], vm)).toBe(is);
  });

  it.each([
    [{ role: 'agent', name: 'h1' }, 'vms'],
    [{ role: 'agent', name: 'h1', vms: [] }, 'vms'],
    [{ role: 'agent', name: 'h1', vms: ['a b'] }, 'vms.0'],
    [{ role: 'agent', name: 'h1', vms: null }, 'vms'],
    [{ role: 'billing', name: 'b', vms: 'all' }, 'vms'],
    [{ role: 'root', name: 'b' }, 'role'],
    [{ role: 'admin', name: 'a b' }, 'name'],
  ])('%j is refused for %s', (body, field) => {
    expect(keyRequest.safeParse(body).error?.issues.map((issue) => issue.path.join('.'))).toContain(field);
  });

  it.each([
    ['billing', ['*']],
    ['billing', ['h1-*', 'db']],
    ['billing', []],
    ['billing', null],
    ['billing', undefined],
    ['admin', ['*']],
    ['admin', []],
    ['admin', null],
  ])('a key of role %s may be asked for with vms %j, of which nothing is kept', (role, vms) => {
    expect(keyRequest.parse({ role, name: 'b', ...(vms === undefined ? {} : { vms }) })).toEqual({
      role,
      name: 'b',
      vms: null,
      expires_at: null,
    });
  });
});
