import { createHash } from 'node:crypto';
import { SILENT } from '../domain/condition.ts';
import { type Interval, totalMs } from '../domain/intervals.ts';
import { fellSilentTogether, inOrder, type Silence } from '../domain/silences.ts';
import type { QueryContext } from './context.ts';
import { withinService } from './outages.ts';
import { spokenAt, spokenKey } from './spoke-for.ts';

/** Silences that began together under one agent: likely one cause, to be decided on once. */
export interface SilenceGroup {
  /** Follows from the agent and the first silence's start: the same whatever arrives, as long as that silence stands. */
  readonly id: string;
  /** Who spoke for the VMs; null where their samples have expired: then each VM is by itself. */
  readonly agent: string | null;
  /** Where the VMs were, as far as their samples say: by name. */
  readonly hosts: readonly string[];
  readonly fromMs: number;
  /** The latest end; null while any lasts. */
  readonly toMs: number | null;
  /** By start, then by name. */
  readonly silences: readonly JudgedSilence[];
  readonly silentMs: number;
  /** What nobody has decided on, as far as time is known. */
  readonly openMs: number;
}

export interface JudgedSilence extends Silence {
  /** How far it is known to have lasted. */
  readonly knownToMs: number;
  /** What of it nobody has decided on. */
  readonly open: readonly Interval[];
}

/** Pieces of time in which neighbours of a silence are looked for. */
const PIECE_MS = 3_600_000;
/** Pieces of one statement at most: they have to fit the address of a request. */
const PIECES_A_STATEMENT = 5_000;

/** The groups of which any silence overlaps `[fromMs, toMs)`, whole, by start, then by id. */
export async function silenceGroups(context: QueryContext, { fromMs, toMs }: Interval): Promise<SilenceGroup[]> {
  const asked = await overlapping(context, fromMs, toMs);
  return groupsAround(context, asked);
}

/** The groups that some silences of a VM are in. */
export function silenceGroupsOf(context: QueryContext, silences: readonly Silence[]): Promise<SilenceGroup[]> {
  return groupsAround(context, silences);
}

/** The group of an id; undefined where no silence begins there (any more). */
export async function silenceGroup(context: QueryContext, id: string): Promise<SilenceGroup | undefined> {
  const startMs = Number.parseInt(id.split('-')[0] ?? '', 36);
  if (!Number.isSafeInteger(startMs)) return undefined;
  const begun = (await overlapping(context, startMs, startMs + 1)).filter((each) => each.startMs === startMs);
  return (await groupsAround(context, begun)).find((group) => group.id === id);
}

async function groupsAround(context: QueryContext, asked: readonly Silence[]): Promise<SilenceGroup[]> {
  const wanted = new Set(asked.map(keyOf));
  const groups: SilenceGroup[] = [];
  const { lists, hosts } = await withNeighbours(context, asked);
  for (const [agent, silences] of lists)
    for (const group of fellSilentTogether(silences, context.stalenessMs))
      if (group.some((each) => wanted.has(keyOf(each)))) groups.push(groupOf(context, agent, group, hosts));
  return groups.sort((a, b) => a.fromMs - b.fromMs || (a.id < b.id ? -1 : 1));
}

function groupOf(
  context: QueryContext,
  speaker: Speaker,
  group: readonly Silence[],
  hosts: ReadonlyMap<string, string>,
): SilenceGroup {
  const silences = group.map((silence): JudgedSilence => {
    const watermarkMs = Math.min(context.watermarkMs(silence.vm) ?? 0, context.catalog.endsAtMs(silence.vm) ?? Infinity);
    const knownToMs = silence.endMs ?? Math.max(silence.startMs, watermarkMs);
    return {
      ...silence,
      knownToMs,
      open: context.catalog.silences.undecided(silence.vm, { fromMs: silence.startMs, toMs: knownToMs }),
    };
  });
  const fromMs = silences[0]?.startMs ?? 0;
  const ends = silences.map((each) => each.endMs);
  return {
    id: `${fromMs.toString(36)}-${createHash('sha256').update(speaker).digest('hex').slice(0, 12)}`,
    agent: speaker.startsWith(AGENT) ? speaker.slice(AGENT.length) : null,
    hosts: [...new Set(group.flatMap((each) => hosts.get(keyOf(each)) ?? []))].sort(),
    fromMs,
    toMs: ends.reduce((last, end) => (last === null || end === null ? null : Math.max(last, end)), 0),
    silences,
    silentMs: silences.reduce((sum, each) => sum + each.knownToMs - each.startMs, 0),
    openMs: silences.reduce((sum, each) => sum + totalMs(each.open), 0),
  };
}

/** An agent, or a VM for which nobody is known to have spoken: that one is its own group. */
type Speaker = string;
const AGENT = 'agent\n';
const ALONE = 'vm\n';

/**
 * Silences by who spoke for their VM, with all that may be in one group with them: back to where, for longer than the staleness, nothing of that
 * agent begins. What lies farther back is read only where the first hour was not enough.
 */
async function withNeighbours(
  context: QueryContext,
  asked: readonly Silence[],
): Promise<{ lists: Map<Speaker, Silence[]>; hosts: Map<string, string> }> {
  const withinMs = context.stalenessMs;
  const pieceMs = Math.max(PIECE_MS, withinMs);
  const pieceOf = (ms: number): number => Math.floor(ms / pieceMs);
  const read = new Set<number>();
  const wanted = new Set(asked.map(keyOf));
  const found = new Map<string, Silence>(asked.map((each) => [keyOf(each), each]));
  const speakers = new Map<string, Speaker>();
  const hosts = new Map<string, string>();
  let more = new Set(asked.flatMap(({ startMs }) => [-1, 0, 1].map((step) => pieceOf(startMs) + step)));
  for (let back = 1; more.size > 0; back *= 2) {
    for (const piece of more) read.add(piece);
    for (const each of await beginningIn(context, [...more], pieceMs)) found.set(keyOf(each), each);
    const strangers = [...found.values()].filter((each) => !speakers.has(keyOf(each)));
    const spoken = await spokenAt(context, strangers.map(({ vm, startMs }) => ({ vm, atMs: startMs }))); // prettier-ignore
    for (const each of strangers) {
      const speaking = spoken.get(spokenKey({ vm: each.vm, atMs: each.startMs }));
      const agent = speaking?.agent;
      if (speaking !== undefined && speaking.host !== '') hosts.set(keyOf(each), speaking.host);
      speakers.set(keyOf(each), agent === undefined ? `${ALONE}${each.vm}` : `${AGENT}${agent}`);
    }
    more = new Set();
    for (const [speaker, silences] of bySpeaker(found, speakers)) {
      // Silences of one VM never overlap.
      if (speaker.startsWith(ALONE)) continue;
      for (const firstMs of beginningsOf(silences, withinMs, wanted)) {
        const before = pieceOf(firstMs - withinMs);
        if (!read.has(before)) for (let i = 0; i < back; i += 1) more.add(before - i);
      }
    }
    for (const piece of more) if (piece < 0 || read.has(piece)) more.delete(piece);
  }
  return { lists: bySpeaker(found, speakers), hosts };
}

/** Where chains of silences (in order), each beginning within a time of the one before it, begin: of those that one asked for is in. */
function beginningsOf(silences: readonly Silence[], withinMs: number, wanted: ReadonlySet<string>): Set<number> {
  const beginnings = new Set<number>();
  let [firstMs, lastMs] = [-Infinity, -Infinity];
  for (const silence of silences) {
    if (silence.startMs - lastMs > withinMs) firstMs = silence.startMs;
    lastMs = silence.startMs;
    if (wanted.has(keyOf(silence))) beginnings.add(firstMs);
  }
  return beginnings;
}

function bySpeaker(found: ReadonlyMap<string, Silence>, speakers: ReadonlyMap<string, Speaker>): Map<Speaker, Silence[]> {
  const lists = new Map<Speaker, Silence[]>();
  for (const each of inOrder([...found.values()])) {
    const speaker = speakers.get(keyOf(each)) ?? '';
    const list = lists.get(speaker) ?? [];
    lists.set(speaker, list);
    list.push(each);
  }
  return lists;
}

const keyOf = ({ vm, startMs }: Silence): string => `${vm}\n${startMs}`;

async function overlapping(context: QueryContext, fromMs: number, toMs: number): Promise<Silence[]> {
  const found = await silencesWhere(
    context,
    `start_at < fromUnixTimestamp64Milli({to:Int64}, 'UTC') AND (toUnixTimestamp64Milli(end_at) = 0 OR end_at > fromUnixTimestamp64Milli({from:Int64}, 'UTC'))`,
    { from: fromMs, to: toMs },
  );
  return found.filter(({ endMs }) => (endMs ?? Infinity) > fromMs);
}

async function beginningIn(context: QueryContext, pieces: readonly number[], pieceMs: number): Promise<Silence[]> {
  const found: Silence[] = [];
  for (let i = 0; i < pieces.length; i += PIECES_A_STATEMENT) {
    const some = pieces.slice(i, i + PIECES_A_STATEMENT);
    const params = { pieces: some, piece: pieceMs };
    found.push(
      ...(await silencesWhere(
        context,
        'intDiv(toUnixTimestamp64Milli(start_at), {piece:Int64}) IN {pieces:Array(Int64)}',
        params,
      )),
    );
  }
  return found;
}

/** Silences as they now stand, as far as their VMs were served, of those that any version of a row makes likely. */
async function silencesWhere(context: QueryContext, where: string, params: Record<string, unknown>): Promise<Silence[]> {
  const rows = await context.store.rows<{ vm: string; s: string; e: string }>(
    `SELECT vm, toUnixTimestamp64Milli(start_at) AS s, toUnixTimestamp64Milli(argMax(end_at, version)) AS e FROM outages
     WHERE (vm, start_at) IN (SELECT vm, start_at FROM outages WHERE condition = ${SILENT} AND ${where})
     GROUP BY vm, start_at HAVING argMax(withdrawn, version) = 0 AND argMax(condition, version) = ${SILENT}
     ORDER BY vm, start_at`,
    params,
  );
  return rows.flatMap(({ vm, s, e }): Silence[] => {
    const outage = { startMs: Number(s), endMs: e === '0' ? null : Number(e), condition: SILENT };
    const served = withinService(context, vm, outage);
    return served === undefined ? [] : [{ vm, startMs: served.startMs, endMs: served.endMs }];
  });
}
