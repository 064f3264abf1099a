import { expect, it } from 'vitest';
import { Agents, type KnownKey } from '../../src/verify/agents.ts';

const KEYS: readonly KnownKey[] = [
  { name: 'h1', role: 'agent', vms: ['h1-*', 'db.7'] },
  { name: 'h1', role: 'agent', vms: ['old-*-a'] },
  { name: 'root', role: 'admin', vms: [] },
  { name: 'clerk', role: 'billing', vms: [] },
];

it.each<[string, string, boolean | null]>([
  ['h1', 'h1-', null],
  ['h1', 'h1-web', null],
  ['h1', 'xh1-web', false],
  ['h1', 'db.7', null],
  ['h1', 'db-7', false],
  ['h1', 'old-b-a', null],
  ['h1', 'old-b', false],
  ['root', 'anything', null],
  ['clerk', 'h1-web', false],
  ['mallory', 'h1-web', true],
])('%s tells of %s', (agent, vm, isStranger) => {
  const agents = new Agents();
  agents.see(agent, vm);
  expect(agents.stranger(KEYS)).toEqual(isStranger === null ? undefined : { vm, agent, isKnown: !isStranger });
});

it('the first is by VM', () => {
  const agents = new Agents();
  for (const [agent, vm] of [
    ['mallory', 'c'],
    ['h1', 'b'],
    ['root', 'a'],
    ['eve', 'b2'],
  ] as const)
    agents.see(agent, vm);
  expect(agents.stranger(KEYS)).toMatchObject({ agent: 'h1', vm: 'b' });
});
