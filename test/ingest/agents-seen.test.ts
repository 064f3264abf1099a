import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { AgentsSeen, registerAgents } from '../../src/ingest/agents-seen.ts';

const valuesOf = async (registry: Registry): Promise<string[]> =>
  (await registry.metrics()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));

describe('when agents were last seen', () => {
  it('is told by the name of the key, the newest instant of each, and not of keys that were revoked', async () => {
    const registry = new Registry();
    const agents = new AgentsSeen();
    let keys = new Set(['host-1', 'host-2']);
    registerAgents(registry, agents, () => keys);
    agents.saw('host-1', 1_000);
    agents.saw('host-2', 2_500);
    agents.saw('host-1', 3_000);
    expect((await valuesOf(registry)).sort()).toEqual([
      'uptally_agent_last_seen_seconds{agent="host-1"} 3',
      'uptally_agent_last_seen_seconds{agent="host-2"} 2.5',
    ]);
    keys = new Set(['host-2']);
    expect(await valuesOf(registry)).toEqual(['uptally_agent_last_seen_seconds{agent="host-2"} 2.5']);
  });

  it('is bounded: who has been silent longest makes room', () => {
    const agents = new AgentsSeen(2);
    agents.saw('a', 1_000);
    agents.saw('b', 2_000);
    agents.saw('a', 3_000);
    agents.saw('c', 4_000);
    expect([...agents.seconds.keys()]).toEqual(['a', 'c']);
  });
});
