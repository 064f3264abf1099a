/** Who told of which VMs, held against the keys that there are or were: a sample's agent is evidence, and in no row. */

/** A key, whatever became of it. */
export interface KnownKey {
  readonly name: string;
  readonly role: string;
  /** Patterns of the VMs that a key of role agent may post for; `*` stands for any run of characters. */
  readonly vms: readonly string[];
}

export class Agents {
  /** Names of VMs by agent: most VMs have one. */
  readonly #vms = new Map<string, string[]>();

  see(agent: string, vm: string): void {
    const vms = this.#vms.get(agent);
    if (vms === undefined) this.#vms.set(agent, [vm]);
    else vms.push(vm);
  }

  /** The first VM, by name, that an agent told of without a key of its name that may; undefined without any. */
  stranger(keys: readonly KnownKey[]): { readonly vm: string; readonly agent: string; readonly isKnown: boolean } | undefined {
    let first: { vm: string; agent: string; isKnown: boolean } | undefined;
    for (const [agent, vms] of this.#vms) {
      const own = keys.filter(({ name }) => name === agent);
      if (own.some(({ role }) => role === 'admin')) continue;
      const patterns = own.filter(({ role }) => role === 'agent').flatMap((key) => key.vms.map(patternOf));
      for (const vm of vms) {
        if (first !== undefined && first.vm <= vm) continue;
        if (!patterns.some((pattern) => pattern.test(vm))) first = { vm, agent, isKnown: own.length > 0 };
      }
    }
    return first;
  }
}

function patternOf(glob: string): RegExp {
  const parts = glob.split('*').map((part) => part.replace(/[.\\+?^${}()|[\]]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`);
}
