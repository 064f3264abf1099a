/** The domains of a host, as libvirt tells of them in one round, and what could not be found out about which. */
import { isActive } from './domain-state.ts';
import type { Answer, Asked, DomainQuestions, QuestionLimits, QuestionRound } from './domain-questions.ts';
import {
  parseDomainXml,
  parseDomiflist,
  parseDomifstat,
  parseDomstats,
  parseName,
  parseRunningNumber,
  parseUuids,
  type DomainNic,
  type DomainStats,
  type InterfaceStats,
} from './libvirt-output.ts';

export interface FoundDomain extends Asked {
  readonly name: string;
  /** null where libvirt names none (a stand-in for virsh). */
  readonly uuid: string | null;
  /** null when libvirt did not say in this round how the domain is. */
  readonly stats: DomainStats | null;
  /** The number of its run: digits; null when it is off, or unknown. */
  readonly runningNumber: string | null;
  readonly nics: readonly DomainNic[];
  readonly interfaces: readonly InterfaceStats[];
  /** Devices whose figures were asked for and not given, and why. */
  readonly silentDevices: ReadonlyMap<string, string>;
  /** Why something of the above is not known; null when all is. */
  readonly failed: string | null;
}

export interface FoundDomains {
  /** The instant nearest before the counters. */
  readonly atMs: number;
  readonly domains: readonly FoundDomain[];
  /** Domains that are there, under names that match nothing. */
  readonly notPicked: readonly string[];
  /** Everything that libvirt lists, by UUID, picked or not. */
  readonly listed: ReadonlySet<string>;
  /** Domains whose very name is not known, and why. */
  readonly nameless: readonly { readonly uuid: string; readonly failed: string }[];
}

interface Candidate extends Asked {
  readonly name: string;
  readonly uuid: string | null;
}

/** What is known of a domain's NICs for as long as neither its run nor its interfaces change. */
interface KnownNics {
  readonly runningNumber: string;
  readonly interfaceCount: number;
  readonly nics: readonly DomainNic[];
}

const DOMSTATS = ['domstats', '--raw', '--state', '--interface'] as const;

/** Keeps, from round to round, what need not be asked again. */
export class LibvirtDomains {
  readonly #questions: DomainQuestions;
  readonly #limits: QuestionLimits;
  readonly #now: () => number;
  readonly #matches: (name: string) => boolean;
  #names = new Map<string, string>();
  #nics = new Map<string, KnownNics>();

  constructor(questions: DomainQuestions, limits: QuestionLimits, now: () => number, matches: (name: string) => boolean) {
    this.#questions = questions;
    this.#limits = limits;
    this.#now = now;
    this.#matches = matches;
  }

  /** Throws when the host itself does not answer. */
  async find(signal?: AbortSignal): Promise<FoundDomains> {
    const round = this.#questions.begin(signal);
    try {
      return await this.#find(round);
    } finally {
      round.end();
    }
  }

  async #find(round: QuestionRound): Promise<FoundDomains> {
    const uuids = parseUuids(await round.host(['list', '--all', '--uuid'], this.#limits.questionMs));
    const nameless = await this.#learnNames(uuids, round);
    const listed = [...this.#names].map(([uuid, name]): Candidate => ({ name, uuid, selector: uuid }));
    const startMs = this.#now();
    const { stats, failures } = await this.#statsOf(listed, round);
    const byName = new Map(listed.map((candidate) => [candidate.name, candidate]));
    const unlisted = [...stats.keys()].flatMap((name) => (byName.has(name) ? [] : [unlistedCandidate(name)]));
    const all = [...listed, ...unlisted].sort((a, b) => (a.name < b.name ? -1 : 1));
    const picked = all.filter(({ name }) => this.#matches(name));
    for (const { selector } of unlisted.filter(({ selector }) => !NAME_ASKABLE.test(selector)))
      failures.set(selector, 'it is new, and its name alone could be taken for a number or an option');
    const active = picked.filter(({ name, selector }) => !failures.has(selector) && isActive(stats.get(name)?.state ?? 0));

    const numbers = await this.#runningNumbers(active, failures, round);
    const nics = await this.#nicsOf(
      active.filter(({ selector }) => numbers.has(selector)),
      stats,
      numbers,
      failures,
      round,
    );
    const { atMs, figures, silent } = await this.#figuresOneByOne(active, stats, nics, round);
    const domains = picked.map((candidate): FoundDomain => ({
      ...candidate,
      stats: stats.get(candidate.name) ?? null,
      runningNumber: numbers.get(candidate.selector) ?? null,
      nics: nics.get(candidate.selector) ?? [],
      interfaces: stats.get(candidate.name)?.interfaces ?? figures.get(candidate.selector) ?? [],
      silentDevices: silent.get(candidate.selector) ?? new Map<string, string>(),
      failed: failures.get(candidate.selector) ?? null,
    }));
    const notPicked = all.flatMap(({ name }) => (this.#matches(name) ? [] : [name]));
    // Whose name was not told may still stand among the states, and is then one of those.
    return { atMs: atMs ?? startMs, domains, notPicked, listed: new Set(uuids), nameless: nameless.slice(unlisted.length) };
  }

  /** Asks for the names of domains that are new; a name is asked for again when its domain may have been renamed. */
  async #learnNames(uuids: readonly string[], round: QuestionRound): Promise<{ uuid: string; failed: string }[]> {
    const there = new Set(uuids);
    for (const uuid of this.#names.keys()) if (!there.has(uuid)) this.#names.delete(uuid);
    const unknown = uuids.filter((uuid) => !this.#names.has(uuid));
    const answers = await round.each(
      unknown,
      (uuid) => ({ selector: uuid }),
      (uuid) => ['domname', uuid],
    );
    return unknown.flatMap((uuid, i) => {
      const answer = answers[i] ?? { failed: 'was not asked' };
      const name = 'text' in answer ? parseName(answer.text) : null;
      if (name === null) return [{ uuid, failed: 'text' in answer ? 'libvirt gave it no name' : answer.failed }];
      this.#names.set(uuid, name);
      return [];
    });
  }

  /** How the domains are, by name. All are asked with one question while all are quick; where that fails, each by itself. */
  async #statsOf(
    listed: readonly Candidate[],
    round: QuestionRound,
  ): Promise<{ stats: Map<string, DomainStats>; failures: Map<string, string> }> {
    const failures = new Map<string, string>();
    const stats = new Map<string, DomainStats>();
    if (!this.#questions.anySlow || listed.length === 0) {
      try {
        for (const one of parseDomstats(await round.host(DOMSTATS, this.#limits.hostMs))) stats.set(one.name, one);
      } catch (error) {
        if (listed.length === 0) throw error;
      }
    }
    // Renamed meanwhile: the name that we know is no domain's any longer, and the new one is nobody's that we know.
    const known = new Set(listed.map(({ name }) => name));
    const renamed = stats.size > 0 && [...stats.keys()].some((name) => !known.has(name));
    const missing = listed.filter(({ name }) => this.#matches(name) && !stats.has(name));
    if (renamed) for (const { uuid } of missing) if (uuid !== null) this.#names.delete(uuid);
    const answers = await round.each(
      missing,
      (candidate) => candidate,
      ({ selector }) => [...DOMSTATS, selector],
    );
    missing.forEach((candidate, i) => {
      const answer = answers[i] ?? { failed: 'was not asked' };
      const one = 'text' in answer ? parseDomstats(answer.text)[0] : undefined;
      if (one?.name === candidate.name) stats.set(one.name, one);
      else failures.set(candidate.selector, 'failed' in answer ? answer.failed : 'libvirt did not say how it is');
    });
    return { stats, failures };
  }

  /** The number of each run; it tells a domain that was started again from one that went on. */
  async #runningNumbers(
    active: readonly Candidate[],
    failures: Map<string, string>,
    round: QuestionRound,
  ): Promise<Map<string, string>> {
    const numbers = new Map<string, string>();
    const answers = await round.each(
      active,
      (candidate) => candidate,
      ({ selector }) => ['domid', selector],
    );
    active.forEach(({ selector }, i) => {
      const answer = answers[i] ?? { failed: 'was not asked' };
      const number = 'text' in answer ? parseRunningNumber(answer.text) : null;
      if (number !== null) numbers.set(selector, number);
      // A stand-in for virsh may not know the question at all: then no run has a number, today and tomorrow.
      else if (lacksCommand(answer)) numbers.set(selector, '0');
      else failures.set(selector, 'failed' in answer ? answer.failed : 'it has no running number: it was just stopped');
    });
    return numbers;
  }

  async #nicsOf(
    active: readonly Candidate[],
    stats: ReadonlyMap<string, DomainStats>,
    numbers: ReadonlyMap<string, string>,
    failures: Map<string, string>,
    round: QuestionRound,
  ): Promise<Map<string, readonly DomainNic[]>> {
    const found = new Map<string, readonly DomainNic[]>();
    const next = new Map<string, KnownNics>();
    const unknown = active.filter((candidate) => {
      const known = this.#nics.get(candidate.selector);
      if (known === undefined || !stillTrue(known, numbers.get(candidate.selector), stats.get(candidate.name))) return true;
      found.set(candidate.selector, known.nics);
      next.set(candidate.selector, known);
      return false;
    });
    const learn = (candidate: Candidate, nics: readonly DomainNic[]): void => {
      found.set(candidate.selector, nics);
      const interfaceCount = stats.get(candidate.name)?.interfaceCount ?? 0;
      next.set(candidate.selector, { runningNumber: numbers.get(candidate.selector) ?? '', interfaceCount, nics });
    };
    const undescribed: Candidate[] = [];
    const reasons = new Map<string, { readonly failed: string }>();
    const descriptions = await round.each(
      unknown,
      (candidate) => candidate,
      ({ selector }) => ['dumpxml', selector],
    );
    unknown.forEach((candidate, i) => {
      const answer = descriptions[i] ?? { failed: 'was not asked' };
      const xml = 'text' in answer ? parseDomainXml(answer.text) : null;
      if ('failed' in answer) reasons.set(candidate.selector, answer);
      if (xml === null) undescribed.push(candidate);
      else if (xml.name !== candidate.name || xml.id !== numbers.get(candidate.selector)) {
        failures.set(candidate.selector, 'it was renamed or started again while it was read');
        if (candidate.uuid !== null) this.#names.delete(candidate.uuid);
      } else learn(candidate, xml.nics);
    });
    const lists = await round.each(
      undescribed,
      (candidate) => candidate,
      ({ selector }) => ['domiflist', selector],
    );
    undescribed.forEach((candidate, i) => {
      const answer = lists[i] ?? { failed: 'was not asked' };
      if ('text' in answer) learn(candidate, parseDomiflist(answer.text));
      else {
        const first = reasons.get(candidate.selector);
        failures.set(candidate.selector, first === undefined || lacksCommand(first) ? answer.failed : first.failed);
      }
    });
    this.#nics = next;
    return found;
  }

  /** The figures of domains whose driver gives none with the state, an interface at a time. */
  async #figuresOneByOne(
    active: readonly Candidate[],
    stats: ReadonlyMap<string, DomainStats>,
    nics: ReadonlyMap<string, readonly DomainNic[]>,
    round: QuestionRound,
  ): Promise<{ atMs: number | null; figures: Map<string, InterfaceStats[]>; silent: Map<string, Map<string, string>> }> {
    const figures = new Map<string, InterfaceStats[]>();
    const silent = new Map<string, Map<string, string>>();
    const wanted = active
      .filter(({ name }) => stats.get(name)?.interfaces === null)
      .flatMap((candidate) =>
        (nics.get(candidate.selector) ?? []).flatMap(({ device }) => (device === null ? [] : [{ candidate, device }])),
      );
    if (wanted.length === 0) return { atMs: null, figures, silent };
    const atMs = this.#now();
    const answers = await round.each(
      wanted,
      ({ candidate }) => candidate,
      ({ candidate, device }) => ['domifstat', candidate.selector, device],
    );
    wanted.forEach(({ candidate: { selector }, device }, i) => {
      const answer = answers[i] ?? { failed: 'was not asked' };
      const one = 'text' in answer ? parseDomifstat(answer.text, device) : null;
      if (one !== null) figures.set(selector, [...(figures.get(selector) ?? []), one]);
      else if ('failed' in answer)
        silent.set(selector, (silent.get(selector) ?? new Map<string, string>()).set(device, answer.failed));
    });
    return { atMs, figures, silent };
  }
}

/** Names that virsh cannot take for a running number or an option. */
const NAME_ASKABLE = /^(?!\d+$)[^-]/su;

/** A domain that came after the list was made, or that a stand-in for virsh does not list: asked by its name. */
function unlistedCandidate(name: string): Candidate {
  return { name, uuid: null, selector: name };
}

/** Whether virsh said that it has no such command: nothing that another round would change. */
function lacksCommand(answer: Answer): boolean {
  return 'failed' in answer && answer.failed.includes('unknown command');
}

function stillTrue(known: KnownNics, runningNumber: string | undefined, stats: DomainStats | undefined): boolean {
  if (known.runningNumber !== runningNumber || stats === undefined) return false;
  // Without figures nothing tells that an interface was plugged in.
  if (stats.interfaces === null || known.interfaceCount !== stats.interfaceCount) return false;
  return stats.interfaces.every(({ name }) => known.nics.some(({ device }) => device === name));
}
