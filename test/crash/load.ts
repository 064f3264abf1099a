/**
 * What real agents do to a server that keeps dying: several clients post their batches in order, and whoever gets no answer, or 503,
 * sends the same batch again. What the server must have in the end is what the model says of the samples in the order they were made,
 * however often a batch was sent; only the number of duplicates depends on it.
 */
import type { ModelOptions } from '../model/fleet.ts';
import { runModel } from '../model/fleet.ts';
import { type Fleet, lineOf, shifted } from '../model/generate.ts';
import type { LoggedSample } from '../../src/verify/model/inforce.ts';
import { comparable, differences, expectedRows } from '../support/expected.ts';
import { fleetGroup } from '../support/fleets.ts';
import { planJson, withoutEnds } from '../support/product.ts';
import { below, randomOf } from '../support/random.ts';
import { ADMIN_KEY, type StatusJson, type TestServer, agentKey, postLines, readServed, untilStored } from '../support/server.ts';

const OPTIONS: ModelOptions = {
  stalenessMs: 90_000,
  latenessMs: 120_000,
  clock: 'event',
  clockMs: null,
  linkLimitBps: 1_000_000n,
};
/** All fleets end about here, so that the event clock of one is not months ahead of another. */
const MEETING_MS = Date.parse('2026-03-28T23:30:00Z');
const CLIENTS = 3;
const BATCH_MAX = 12;
const AGENTS = ['agent-a', 'agent-b', 'agent-c'];

/** The server's settings that go with the loads. The clock is the samples' own, so a run's outcome does not depend on when it runs. */
export const LOAD_ENV = {
  UPTALLY_CLOCK: 'event',
  UPTALLY_RETENTION_DAYS: '0',
  UPTALLY_LINK_LIMIT_BPS: String(OPTIONS.linkLimitBps),
  UPTALLY_CHECKPOINT_INTERVAL_MS: '300',
};

interface Batch {
  readonly agent: string;
  readonly lines: string[];
}

/** Everything that is sent to one server over its lives. */
export class Client {
  readonly #keys = new Map<string, string>();
  readonly loads: Load[] = [];
  /** Samples answered 202, and samples of batches that got no answer: those may be in the log or not. */
  answered = 0;
  unclear = 0;
  readonly #onAnswered: (lines: readonly string[]) => void;
  readonly #before: StatusJson | undefined;

  /**
   * @param onAnswered told of the lines of every batch that was answered 202
   * @param before what the server had already taken and stored from others
   */
  constructor(onAnswered: (lines: readonly string[]) => void = () => undefined, before?: StatusJson) {
    this.#before = before;
    this.#onAnswered = onAnswered;
  }

  async makeKeys(server: TestServer): Promise<void> {
    for (const agent of AGENTS) this.#keys.set(agent, (await agentKey(server, agent)).key);
    await put(server, '/v1/accounts/a', { name: 'a', currency: 'CNY' });
  }

  /** A new fleet of VMs. @param fleets how many random fleets it is made of */
  newLoad(seed: number, fleets: number): Load {
    const load = randomLoad(seed, fleets);
    this.loads.push(load);
    return load;
  }

  /** VMs that only ever go on: samples in order, as many small batches as the server takes, nothing to wait for in between. */
  newSteadyLoad(name: string, instants: number): Load {
    const load = steadyLoad(name, instants);
    this.loads.push(load);
    return load;
  }

  /**
   * Sends what is left of a load, in waves: the next begins when the one before is stored, so that late samples are late. Resolves with
   * whether everything was answered; false when the server went away.
   */
  async send(server: TestServer, load: Load): Promise<boolean> {
    while (load.waves.length > 0) {
      const { catalog, queues } = load.waves[0] ?? { catalog: [], queues: [] };
      const answered = await Promise.all([this.#putAll(server, catalog), ...queues.map((queue) => this.#postAll(server, queue))]);
      if (answered.includes(false)) return false;
      load.waves.shift();
      if (!(await answeredAtAll(untilStored(server)))) return false;
    }
    return true;
  }

  async #postAll(server: TestServer, queue: Batch[]): Promise<boolean> {
    for (let batch = queue[0]; batch !== undefined; batch = queue[0]) {
      const answer = await postLines(server, this.#keys.get(batch.agent) ?? '', batch.lines).catch(() => undefined);
      if (answer?.status === 202) {
        this.answered += batch.lines.length;
        this.#onAnswered(batch.lines);
        queue.shift();
        continue;
      }
      // who is told that the server is going down knows that nothing was taken
      if (answer?.status === 503 && answer.text.includes('shutting_down')) return false;
      this.unclear += batch.lines.length;
      if (answer === undefined) return false;
      if (answer.status !== 503 || answer.headers['retry-after'] === undefined)
        throw new Error(`a batch of good samples was answered ${answer.status}: ${answer.text}`);
    }
    return true;
  }

  async #putAll(server: TestServer, entries: CatalogEntry[]): Promise<boolean> {
    const done = await Promise.all(entries.map((entry) => answeredAtAll(put(server, entry.path, entry.body))));
    return !done.includes(false);
  }

  /** Everything that is wrong: rows against the model, counts against what was answered. Empty when all is well. */
  async faults(server: TestServer, loads: readonly Load[] = this.loads): Promise<string[]> {
    const status = await untilStored(server);
    const clockMs = Math.max(...this.loads.map((load) => load.sentUntilMs));
    const found: string[] = [];
    for (const load of loads) for (const fault of await rowFaults(server, load.fleet, clockMs)) found.push(fault);
    return [...found, ...this.#countFaults(status, clockMs)];
  }

  #countFaults({ log, samples }: StatusJson, clockMs: number): string[] {
    const sum = { applied: 0, duplicate: 0, conflict: 0, quarantined: 0 };
    for (const { fleet } of this.loads) {
      const { counts, quarantined } = runModel(fleet.log, { ...fleet.options, clockMs, clock: 'wall' });
      sum.applied += counts.applied;
      sum.duplicate += counts.duplicate;
      sum.conflict += counts.conflict;
      sum.quarantined += quarantined.length;
    }
    const own = (count: Exclude<keyof StatusJson['samples'], 'rejected'>): number =>
      samples[count] - (this.#before?.samples[count] ?? 0);
    const [accepted, applied, duplicate, conflict] = [own('accepted'), own('applied'), own('duplicate'), own('conflict')];
    const quarantined = own('quarantined');
    const again = accepted - this.answered;
    const rules: Record<string, boolean> = {
      'accepted = applied + duplicate + conflict': accepted === applied + duplicate + conflict,
      'appended = accepted': log.appended === samples.accepted,
      [`applied = ${sum.applied}`]: applied === sum.applied,
      [`conflict = ${sum.conflict}`]: conflict === sum.conflict,
      [`quarantined = ${sum.quarantined}`]: quarantined === sum.quarantined,
      [`everything answered (${this.answered}) is accepted, and at most ${this.unclear} more`]:
        again >= 0 && again <= this.unclear,
      [`duplicate = ${sum.duplicate} and what was accepted again (${again})`]: duplicate === sum.duplicate + again,
    };
    const broken = Object.entries(rules).filter(([, holds]) => !holds);
    return broken.map(([rule]) => `not so: ${rule}; ${JSON.stringify({ log, samples })}`);
  }
}

interface CatalogEntry {
  readonly path: string;
  readonly body: object;
}

interface Wave {
  readonly catalog: CatalogEntry[];
  /** One a client: batches not yet answered. */
  readonly queues: Batch[][];
}

const WAVES = 3;

/** A fleet on its way to a server: `waves` holds what has not been answered. */
export interface Load {
  readonly fleet: Fleet;
  readonly waves: Wave[];
  readonly sentUntilMs: number;
}

function randomLoad(seed: number, fleets: number): Load {
  const fleet = placed(`${seed}:`, withoutEnds(fleetGroup(seed, fleets, { options: OPTIONS })));
  const random = randomOf(seed);
  const { log } = fleet;
  const catalog = catalogEntries(fleet);
  const waves = Array.from({ length: WAVES }, (_, wave) => ({
    // plans first, and the VMs that have them when most samples are in: rows are priced anew
    catalog: wave === 0 ? catalog.first : wave === 2 ? catalog.later : [],
    queues: queuesOf(log.slice(Math.floor((log.length * wave) / WAVES), Math.floor((log.length * (wave + 1)) / WAVES)), () =>
      below(random, BATCH_MAX),
    ),
  }));
  return { fleet, waves, sentUntilMs: lastInstant(log) };
}

const STEADY_VMS = 20;
const STEADY_BATCH = 5;
const STEADY_EVERY_MS = 10_000;

function steadyLoad(name: string, instants: number): Load {
  const beginMs = MEETING_MS - instants * STEADY_EVERY_MS;
  const sampleAt = (vm: number, instant: number): LoggedSample => ({
    vm: `${name}:${vm}`,
    nic: 'eth0',
    tsMs: beginMs + instant * STEADY_EVERY_MS + vm,
    counters: { rx: BigInt(instant) * 9_999n, tx: BigInt(instant) * BigInt(vm) },
    epoch: 0,
    condition: instant % 100 < 98 ? 'up' : 'provider',
    agent: AGENTS[vm % AGENTS.length] ?? '',
  });
  const log: LoggedSample[] = [];
  for (let instant = 0; instant < instants; instant++) for (let vm = 0; vm < STEADY_VMS; vm++) log.push(sampleAt(vm, instant));
  // a queue for each agent and half of its VMs
  const queues = Array.from({ length: 2 * AGENTS.length }, (_, queue) => {
    const own = log.filter(({ vm }) => Number(vm.slice(name.length + 1)) % (2 * AGENTS.length) === queue);
    return Array.from({ length: Math.ceil(own.length / STEADY_BATCH) }, (_, i) => ({
      agent: AGENTS[queue % AGENTS.length] ?? '',
      lines: own.slice(i * STEADY_BATCH, (i + 1) * STEADY_BATCH).map(lineOf),
    }));
  });
  const fleet = { log, options: { ...OPTIONS, clockMs: MEETING_MS }, catalog: { plans: new Map(), vms: new Map() } };
  return { fleet, waves: [{ catalog: [], queues }], sentUntilMs: lastInstant(log) };
}

function lastInstant(log: readonly LoggedSample[]): number {
  return log.reduce((last, { tsMs }) => Math.max(last, tsMs), 0);
}

/** The VMs of a client stay with it: of one VM nothing overtakes. A batch names no sample twice, so sending it again repeats it whole. */
function queuesOf(log: readonly LoggedSample[], extra: () => number): Batch[][] {
  const queues = Array.from({ length: CLIENTS }, (): Batch[] => []);
  const open = new Map<number, { batch: Batch; seen: Set<string>; max: number }>();
  for (const sample of log) {
    const client = clientOf(sample.vm);
    const identity = `${sample.vm} ${sample.nic} ${sample.tsMs}`;
    let current = open.get(client);
    if (
      current === undefined ||
      current.batch.agent !== sample.agent ||
      current.seen.has(identity) ||
      current.batch.lines.length >= current.max
    ) {
      current = { batch: { agent: sample.agent, lines: [] }, seen: new Set(), max: 1 + extra() };
      open.set(client, current);
      queues[client]?.push(current.batch);
    }
    current.seen.add(identity);
    current.batch.lines.push(lineOf(sample));
  }
  return queues;
}

function clientOf(vm: string): number {
  let sum = 0;
  for (const letter of vm) sum += letter.charCodeAt(0);
  return sum % CLIENTS;
}

/** The fleet under names of its own, moved to where all fleets meet. */
function placed(prefix: string, fleet: Fleet): Fleet {
  const shiftMs = Math.floor((MEETING_MS - (fleet.options.clockMs ?? MEETING_MS)) / 60_000) * 60_000;
  const named = (id: string): string => prefix + id;
  return {
    log: fleet.log.map((sample) => ({ ...shifted(sample, shiftMs), vm: named(sample.vm) })),
    options: fleet.options,
    catalog: {
      plans: new Map([...fleet.catalog.plans].map(([id, plan]) => [named(id), plan])),
      vms: new Map(
        [...fleet.catalog.vms].map(([id, vm]) => [
          named(id),
          { ...vm, plans: vm.plans.map(({ plan, fromMs }) => ({ plan: named(plan), fromMs: fromMs + shiftMs })) },
        ]),
      ),
    },
  };
}

/** Plans and VMs as they are first, and what makes them the fleet's catalog later. */
function catalogEntries({ catalog }: Fleet): { first: CatalogEntry[]; later: CatalogEntry[] } {
  const first: CatalogEntry[] = [];
  const later: CatalogEntry[] = [];
  const used = new Set([...catalog.vms.values()].flatMap((vm) => vm.plans.map(({ plan }) => plan)));
  for (const [id, plan] of catalog.plans) {
    if (used.has(id)) first.push({ path: `/v1/plans/${id}`, body: JSON.parse(planJson(plan)) as object });
  }
  for (const [id, vm] of catalog.vms) {
    const body = { account: 'a', plans: vm.plans.map(({ plan, fromMs }) => ({ plan, from: fromMs })) };
    later.push({ path: `/v1/vms/${id}`, body });
  }
  return { first, later };
}

async function put(server: TestServer, path: string, body: object): Promise<void> {
  await server.ask(path, {
    method: 'PUT',
    key: ADMIN_KEY,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
}

/** Whether a request of ours was carried out; an answer other than that the server is going down is an error. */
async function answeredAtAll(asked: Promise<unknown>): Promise<boolean> {
  try {
    await asked;
    return true;
  } catch (error) {
    if (error instanceof Error && error.message.includes('shutting_down')) return false;
    if (error instanceof Error && / answered \d|^waited /.test(error.message)) throw error;
    return false;
  }
}

/** What the server has of a fleet against the model, at a clock that other fleets may have moved on. */
async function rowFaults(server: TestServer, fleet: Fleet, clockMs: number): Promise<string[]> {
  const atClock: Fleet = { ...fleet, options: { ...fleet.options, clock: 'wall', clockMs } };
  const { counts, ...rows } = expectedRows(atClock);
  const served = await readServed(server, [...new Set(fleet.log.map((sample) => sample.vm))]);
  const model = runModel(fleet.log, atClock.options, fleet.catalog);
  const minutes = model.uptime.map(
    (row) => `${row.vm} ${row.minuteMs / 1000} ${row.partsMs.join(',')} ${row.unavailable ? 1 : 0} ${row.creditNanos}`,
  );
  const raw = model.inForce.map(({ vm, nic, tsMs, counters, part, epoch, condition, saysNoState, agent }) => {
    const [rx, tx] = [part === 'tx' ? '-' : (counters?.rx ?? '-'), part === 'rx' ? '-' : (counters?.tx ?? '-')];
    return `${vm} ${nic} ${tsMs} ${rx} ${tx} ${epoch} ${saysNoState === true ? 'none' : condition} ${agent}`;
  });
  return [
    ...differences(comparable(served), rows),
    ...unlike('raw sample', served.raw, raw),
    ...unlike('answered minute', served.minutes, minutes),
    ...(counts.applied === served.samples ? [] : [`${served.samples} samples instead of ${counts.applied}`]),
  ];
}

function unlike(what: string, have: readonly string[], want: readonly string[]): string[] {
  const haveSet = new Set(have);
  const wantSet = new Set(want);
  return [
    ...want.filter((line) => !haveSet.has(line)).map((line) => `- ${what} ${line}`),
    ...have.filter((line) => !wantSet.has(line)).map((line) => `+ ${what} ${line}`),
    ...(haveSet.size === have.length ? [] : [`${what}s twice`]),
  ];
}
