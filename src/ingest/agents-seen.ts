/** When each key last had samples accepted, as far as this process has seen: what tells an agent that is gone from one that is quiet. */
import { Gauge, type Registry } from 'prom-client';

/** Names that are told of at once: metrics must not grow with every key that ever was. Who has been silent longest makes room. */
export const AGENTS_SEEN_MAX = 2_000;

export class AgentsSeen {
  /** Seconds since the epoch by the key's name, who sent last at the end. */
  readonly #last = new Map<string, number>();
  readonly #max: number;

  constructor(max = AGENTS_SEEN_MAX) {
    this.#max = max;
  }

  saw(name: string, atMs: number): void {
    this.#last.delete(name);
    this.#last.set(name, atMs / 1000);
    if (this.#last.size <= this.#max) return;
    const [longestSilent] = this.#last.keys();
    if (longestSilent !== undefined) this.#last.delete(longestSilent);
  }

  get seconds(): ReadonlyMap<string, number> {
    return this.#last;
  }
}

/** Adds the gauge. @param inForce names of keys: of those that were revoked nothing is told any longer */
export function registerAgents(registry: Registry, agents: AgentsSeen, inForce: () => ReadonlySet<string>): void {
  const gauge: Gauge = new Gauge({
    name: 'uptally_agent_last_seen_seconds',
    help: "When samples of a key were last accepted, by the key's name (since the process started, of at most 2,000 keys)",
    labelNames: ['agent'],
    registers: [registry],
    collect() {
      gauge.reset();
      const names = inForce();
      for (const [agent, seconds] of agents.seconds) if (names.has(agent)) gauge.set({ agent }, seconds);
    },
  });
}
