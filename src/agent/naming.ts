/** How things on a host become names of VMs, and the host itself one of its own: patterns to pick by, explicit maps, and rules. */
import { HOST_NAME } from '../samples/names.ts';

/** A shell-like pattern, `*` and `?`, matched against the whole name, case and all. */
export function globMatcher(patterns: readonly string[]): (name: string) => boolean {
  const expressions = patterns.map((pattern) => {
    const source = pattern
      .replace(/[.+^${}()|[\]\\]/g, '\\$&')
      .replace(/\*/g, '.*')
      .replace(/\?/g, '.');
    return new RegExp(`^${source}$`, 's');
  });
  return (name) => expressions.some((expression) => expression.test(name));
}

export interface VmNic {
  readonly vm: string;
  readonly nic: string;
}

/**
 * Reads `NAME=VM` or `NAME=VM:NIC`. The last colon separates the NIC only when something follows it; a VM whose name
 * itself holds colons is written with a closing colon, `tap0=a:b:`. Throws with a sentence for the user.
 */
export function parseMapping(text: string): readonly [string, VmNic] {
  const at = text.indexOf('=');
  const name = text.slice(0, at);
  const target = text.slice(at + 1);
  if (at < 1 || target === '') throw new Error(`"${text}" is no mapping; write NAME=VM or NAME=VM:NIC, such as tap3=vm-17:net0`);
  const colon = target.lastIndexOf(':');
  if (colon < 0) return [name, { vm: target, nic: '' }];
  return [name, { vm: target.slice(0, colon), nic: target.slice(colon + 1) }];
}

/** How an interface without a mapping is named. A pattern's group 1 is the VM, group 2 (if any) the NIC; no match: not ours. */
export type VmFrom =
  { readonly kind: 'name' } | { readonly kind: 'alias' } | { readonly kind: 'pattern'; readonly pattern: RegExp };

/** Reads `name`, `alias` or `/REGEX/`. Throws with a sentence for the user. */
export function parseVmFrom(text: string): VmFrom {
  if (text === 'name' || text === 'alias') return { kind: text };
  if (text.length > 2 && text.startsWith('/') && text.endsWith('/')) {
    try {
      return { kind: 'pattern', pattern: new RegExp(text.slice(1, -1)) };
    } catch (error) {
      throw new Error(`${text} is no regular expression`, { cause: error });
    }
  }
  throw new Error(`"${text}" is not known; write name, alias, or /REGEX/ with the VM's name in its first group`);
}

/** The name of an interface by a rule; null when the rule doesn't cover it. `alias` is read only when asked for. */
export function nameByRule(rule: VmFrom, name: string, alias: () => string): VmNic | null {
  if (rule.kind === 'name') return { vm: name, nic: '' };
  if (rule.kind === 'alias') {
    const text = alias();
    return { vm: text === '' ? name : text, nic: '' };
  }
  const match = rule.pattern.exec(name);
  const vm = match?.[1];
  return vm === undefined ? null : { vm, nic: match?.[2] ?? '' };
}

/**
 * Reads what this host is called in samples: a name, or `auto` for the system's own, in the letters of a name. Throws with a sentence for the
 * user where hosts could not be told apart by it.
 */
export function parseHost(text: string, ownName: string): string {
  if (text !== 'auto') {
    if (text === '' || !HOST_NAME.test(text)) throw new Error(`"${text}" is no name of a host: 1 to 64 of A-Z a-z 0-9 . _ : -`);
    return text;
  }
  const name = ownName.replaceAll(/[^A-Za-z0-9._:-]/g, '_').slice(0, 64);
  if (name === '' || /^localhost(\.|$)/i.test(name))
    throw new Error(`this host is called "${ownName}", as others are: give it a name of its own with --host NAME`);
  return name;
}

/** The part of an observation that says where its counters live. */
export function livesOn(host: string | undefined): { readonly host?: string } {
  return host === undefined ? {} : { host };
}
