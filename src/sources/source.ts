/**
 * A source made ready: what becomes of what a sender tells is a function of that and of the mapping alone. No other point and no clock take part, so
 * the same posts sent again, cut otherwise or in another order, are the same samples.
 */
import type { Cause } from '../domain/condition.ts';
import { epochOf } from '../samples/epoch.ts';
import type { RejectionCode } from '../samples/rejection.ts';
import { fittingName } from './fitting-name.ts';
import type { Mapping, Rule, StateWord } from './mapping.ts';
import type { Candidate } from './replicas/candidate.ts';
import { expressionOf, LABEL_CHARACTERS_MAX, type Labels, parseTemplate, type Template } from './template.ts';

const VM_CHARACTERS_MAX = 64;
const NIC_CHARACTERS_MAX = 32;
const HOST_CHARACTERS_MAX = 64;

/** What a source says of a VM at an instant, as a sample has it (SPEC §1). Counters are the guest's view. */
export interface MappedSample {
  readonly vm: string;
  readonly nic: string;
  readonly host: string;
  readonly atMs: number;
  /** null: not told; one alone is a half. */
  readonly rxBytes: bigint | null;
  readonly txBytes: bigint | null;
  readonly epoch: number;
  readonly startedAtMs: number | null;
  readonly state: 'up' | 'none' | Cause;
  readonly holdS: number | null;
  readonly linkMbps: number | null;
  readonly sum: boolean;
}

/** Why something that a rule wants is no sample, or none is made of it on purpose. */
export type LeftOut =
  /** No rule names it. */
  | 'ignored'
  /** The mapping drops it. */
  | 'dropped'
  /** A sign of life of the sender. */
  | 'heartbeat'
  /** The sender says that the series has ended. */
  | 'stale'
  /** A replica that is not the one heard. */
  | 'replica'
  /** Counters out of the guest. */
  | 'untrusted'
  /** What it says is neither a counter nor a state: a line that tells nothing of either. */
  | 'empty';

export type Outcome =
  | { readonly kind: 'left_out'; readonly why: LeftOut }
  | { readonly kind: 'rejected'; readonly code: RejectionCode; readonly why: string }
  /** `candidate`: it is taken if that replica is heard; null: of a source without replicas. */
  | { readonly kind: 'sample'; readonly sample: MappedSample; readonly inexact: boolean; readonly candidate: Candidate | null };

/** What a series of one value is, whatever its value: it can be kept for the next time. */
export type Series =
  Extract<Outcome, { readonly kind: 'left_out' | 'rejected' }> | { readonly kind: 'taken'; readonly target: Target };

/** A series that samples come of. */
export interface Target {
  readonly vm: string;
  readonly nic: string;
  readonly host: string;
  readonly part: 'rx' | 'tx' | 'state';
  readonly epoch: number;
  /** Of a counter: what it says of the state. */
  readonly alive: 'up' | 'none';
  readonly holdS: number | null;
  readonly linkMbps: number | null;
  readonly sum: boolean;
  /** Of a state: what its value means; undefined: nothing that the mapping knows. */
  readonly stateOf: (value: number) => StateWord | undefined;
  /** Whose samples these are, of replicas that tell the same; null: there are none. */
  readonly candidate: Candidate | null;
}

/** Finds a replica among those of a source's cluster; undefined: there are as many clusters as there may be. */
export type FindCandidate = (cluster: string, replica: string, failoverMs: number) => Candidate | undefined;

interface ReadyRule {
  readonly rule: Rule;
  readonly when: readonly (readonly [label: string, said: ReadonlySet<string> | null])[];
  readonly vm: Template;
  readonly nic: Template | null;
  readonly host: Template | null;
  readonly epoch: Template | null;
  readonly state: Template | null;
}

const left = (why: LeftOut): Extract<Outcome, { kind: 'left_out' }> => ({ kind: 'left_out', why });
const refused = (code: RejectionCode, why: string): Extract<Outcome, { kind: 'rejected' }> => ({ kind: 'rejected', code, why });

export class Source {
  readonly mapping: Mapping;
  readonly #rules = new Map<string, ReadyRule[]>();
  readonly #drops: readonly { readonly label: string; readonly matches: (text: string) => boolean }[];
  readonly #findCandidate: FindCandidate | null;

  /** @param findCandidate left out: every replica is heard */
  constructor(mapping: Mapping, findCandidate: FindCandidate | null = null) {
    this.mapping = mapping;
    this.#findCandidate = findCandidate;
    this.#drops = mapping.drop.map(({ label, matches }) => {
      const expression = expressionOf(matches);
      return { label, matches: (text) => expression.matches(text) };
    });
    for (const rule of mapping.rules) {
      const ready = this.#ready(rule);
      this.#rules.set(rule.series, [...(this.#rules.get(rule.series) ?? []), ready]);
    }
  }

  #ready(rule: Rule): ReadyRule {
    const { mapping } = this;
    // a state is the VM's, wherever it was seen: what tells no counter need not name an interface
    const counts = rule.rx !== undefined || rule.tx !== undefined || (rule.take !== undefined && rule.take !== 'state');
    const nic = mapping.counts === 'vm' || !counts ? undefined : (rule.nic ?? mapping.nic ?? undefined);
    const host = counts ? (rule.host ?? mapping.host ?? undefined) : rule.host;
    return {
      rule,
      when: Object.entries(rule.when ?? {}).map(([label, said]) => [label, said === null ? null : new Set([said].flat())]),
      vm: parseTemplate(rule.vm ?? mapping.vm),
      nic: nic === undefined ? null : parseTemplate(nic),
      host: host === undefined ? null : parseTemplate(host),
      epoch: rule.epoch === undefined ? null : parseTemplate(rule.epoch),
      state: rule.state === undefined ? null : parseTemplate(rule.state),
    };
  }

  /** Whether any rule names it: what none does need not be read further. */
  names(series: string): boolean {
    return this.#rules.has(series);
  }

  /** The first rule of a series whose conditions hold, or why there is none. */
  #ruleFor(series: string, labels: Labels): ReadyRule | 'ignored' | 'dropped' {
    const candidates = this.#rules.get(series);
    if (candidates === undefined) return 'ignored';
    if (this.#drops.some(({ label, matches }) => matches(labels.get(label) ?? ''))) return 'dropped';
    return (
      candidates.find(({ when }) =>
        when.every(([label, said]) => (said === null ? (labels.get(label) ?? '') === '' : said.has(labels.get(label) ?? ''))),
      ) ?? 'ignored'
    );
  }

  /** What a series of one value is. */
  series(name: string, labels: Labels): Series {
    const found = this.#ruleFor(name, labels);
    if (typeof found === 'string') return left(found);
    const { rule } = found;
    if (rule.take === undefined) return left('ignored');
    if (rule.take === 'heartbeat') return left('heartbeat');
    const who = this.#who(found, labels);
    if ('kind' in who) return who;
    const candidate = this.#candidate(labels);
    if (candidate !== null && 'kind' in candidate) return candidate;
    const common = { ...who, ...this.#common(), candidate, epoch: epochIn(found, labels), alive: this.#aliveOfCounters() };
    if (rule.take === 'state') {
      const stateOf = stateReader(rule, labels);
      return { kind: 'taken', target: { ...common, nic: '', part: 'state', epoch: 0, linkMbps: null, sum: false, stateOf } };
    }
    if (this.mapping.trust === 'guest') return left('untrusted');
    const direction = rule.take === 'octets' ? directionIn(rule, labels) : rule.take;
    if (direction === undefined)
      return refused('bad_counter', `${rule.by ?? ''} is neither ${rule.receive ?? ''} nor ${rule.transmit ?? ''}`);
    const part = this.mapping.view === 'host' ? (direction === 'rx' ? 'tx' : 'rx') : direction;
    return { kind: 'taken', target: { ...common, part, stateOf: () => undefined } };
  }

  /** What becomes of a line with several values: fields stand among the labels. */
  line(name: string, atMs: number, labels: Labels): Outcome {
    const found = this.#ruleFor(name, labels);
    if (typeof found === 'string') return left(found);
    const { rule } = found;
    if (rule.take === 'heartbeat') return left('heartbeat');
    if (rule.take !== undefined) return left('ignored');
    const who = this.#who(found, labels);
    if ('kind' in who) return who;
    const candidate = this.#candidate(labels);
    if (candidate !== null && 'kind' in candidate) return candidate;
    const uptime = rule.uptime === undefined ? undefined : secondsIn(labels.get(rule.uptime));
    const state = this.#stateOfLine(found, labels, uptime);
    if (state === undefined)
      return refused('bad_state', `the mapping does not say what the state ${shown(found.state?.fill(labels))} means`);
    const off = state !== 'up' && state !== 'none';
    // a machine that is off has no counters: senders fill in zeros
    const counters = off || uptime === 0 ? { rx: null, tx: null } : this.#countersOf(rule, labels);
    if ('kind' in counters) return counters;
    const [rxBytes, txBytes] = this.mapping.view === 'host' ? [counters.tx, counters.rx] : [counters.rx, counters.tx];
    const counted = rxBytes !== null || txBytes !== null;
    if (!counted && state === 'none') return left(this.mapping.trust === 'guest' ? 'untrusted' : 'empty');
    const sample: MappedSample = {
      ...{ ...who, nic: counted ? who.nic : '', atMs, rxBytes, txBytes, state, ...this.#common() },
      epoch: counted ? epochIn(found, labels) : 0,
      startedAtMs: counted && uptime !== undefined && uptime > 0 ? Math.max(0, atMs - Math.round(uptime * 1000)) : null,
    };
    return { kind: 'sample', sample: counted ? sample : { ...sample, sum: false, linkMbps: null }, inexact: false, candidate };
  }

  /** Which VM, interface and host something is about. */
  #who(
    { vm, nic, host }: ReadyRule,
    labels: Labels,
  ): { vm: string; nic: string; host: string } | Extract<Outcome, { kind: 'rejected' }> {
    const names = {
      vm: vm.fill(labels),
      nic: nic === null ? '' : nic.fill(labels),
      host: host === null ? '' : host.fill(labels),
    };
    if (names.vm === undefined || names.vm === '') return refused('bad_vm', `nothing to call the VM by: ${missing(vm, labels)}`);
    if (names.nic === undefined) return refused('bad_nic', `nothing to call the interface by: ${missing(nic, labels)}`);
    if (names.host === undefined) return refused('missing_field', `nothing to call the host by: ${missing(host, labels)}`);
    return {
      vm: fittingName(names.vm, VM_CHARACTERS_MAX),
      nic: fittingName(names.nic, NIC_CHARACTERS_MAX),
      host: fittingName(names.host, HOST_CHARACTERS_MAX),
    };
  }

  /** Which replica tells it; null where a source has none. */
  #candidate(labels: Labels): Candidate | null | Extract<Outcome, { kind: 'rejected' }> {
    const { replica } = this.mapping;
    if (replica === null) return null;
    const said = (label: string): string => (labels.get(label) ?? '').slice(0, LABEL_CHARACTERS_MAX);
    const [cluster, name] = [said(replica.cluster), said(replica.replica)];
    if (cluster === '')
      return refused('missing_field', `nothing says which cluster of replicas tells it: ${replica.cluster} is missing`);
    if (name === '') return refused('missing_field', `nothing says which replica tells it: ${replica.replica} is missing`);
    if (this.#findCandidate === null) return null;
    const found = this.#findCandidate(cluster, name, replica.failover_s * 1000);
    return (
      found ??
      refused('missing_field', `the source has as many clusters of replicas as it may have: ${shown(cluster)} is one more`)
    );
  }

  #common(): Pick<MappedSample, 'holdS' | 'linkMbps' | 'sum'> {
    const { holdS, linkMbps, counts } = this.mapping;
    return { holdS, linkMbps, sum: counts === 'vm' };
  }

  #aliveOfCounters(): 'up' | 'none' {
    return this.mapping.alive === 'series' ? 'up' : 'none';
  }

  #stateOfLine({ rule, state }: ReadyRule, labels: Labels, uptime: number | undefined): StateWord | undefined {
    if (state !== null) {
      const text = state.fill(labels);
      return (text === undefined ? undefined : rule.values?.[text]) ?? rule.else;
    }
    if (uptime === 0) return rule.off ?? 'none';
    return uptime !== undefined ? 'up' : this.#aliveOfCounters();
  }

  #countersOf(rule: Rule, labels: Labels): { rx: bigint | null; tx: bigint | null } | Extract<Outcome, { kind: 'rejected' }> {
    if (this.mapping.trust === 'guest') return { rx: null, tx: null };
    const read = (field: string | undefined): bigint | null | undefined => {
      const text = field === undefined ? undefined : labels.get(field);
      return text === undefined ? null : counterOf(text);
    };
    const [rx, tx] = [read(rule.rx), read(rule.tx)];
    if (rx === undefined)
      return refused('bad_counter', `${rule.rx ?? ''} is ${shown(labels.get(rule.rx ?? ''))}, no count of bytes`);
    if (tx === undefined)
      return refused('bad_counter', `${rule.tx ?? ''} is ${shown(labels.get(rule.tx ?? ''))}, no count of bytes`);
    return { rx, tx };
  }
}

const COUNTER_END = 2n ** 64n;

/**
 * A count of bytes out of its digits, exactly, or undefined. A point with nothing but zeros behind it is a float's way to write an integer, and so is
 * an exponent, as far as floats tell integers apart.
 */
export function counterOf(text: string): bigint | undefined {
  const digits = /^(\d{1,20})(?:\.0*)?$/.exec(text)?.[1];
  if (digits === undefined) {
    const float = /^\d+(?:\.\d+)?[eE][+]?\d{1,2}$/.test(text) ? Number(text) : NaN;
    return Number.isSafeInteger(float) ? BigInt(float) : undefined;
  }
  const value = BigInt(digits);
  return value < COUNTER_END ? value : undefined;
}

function secondsIn(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,12}(?:\.\d{1,9})?$/.test(text) ? Number(text) : undefined;
}

function epochIn({ epoch }: ReadyRule, labels: Labels): number {
  const text = epoch?.fill(labels);
  return text === undefined ? 0 : epochOf(text);
}

function directionIn({ by, receive, transmit }: Rule, labels: Labels): 'rx' | 'tx' | undefined {
  const said = labels.get(by ?? '');
  return said === receive ? 'rx' : said === transmit ? 'tx' : undefined;
}

/** How the values of a series are read as states. */
function stateReader(rule: Rule, labels: Labels): Target['stateOf'] {
  const { values = {}, label, value = 1 } = rule;
  if (label === undefined) return (given) => values[String(given)] ?? rule.else;
  // the state stands in a label: of all series of a VM the one that holds has the value
  const word = values[labels.get(label) ?? ''] ?? rule.else;
  return (given) => (given === value ? word : 'none');
}

function missing(template: Template | null, labels: Labels): string {
  const names = (template?.labels ?? []).map((name) =>
    labels.has(name) ? `${name} is ${shown(labels.get(name))}` : `${name} is missing`,
  );
  return names.length === 0 ? 'the template is empty' : names.join(', ');
}

function shown(text: string | undefined): string {
  return text === undefined ? 'missing' : JSON.stringify(text.length > 64 ? `${text.slice(0, 64)}…` : text);
}
