/**
 * The stored data of a running system against its raw samples, VM by VM, over the HTTP API alone. VMs are looked at in groups whose
 * rows fit one answer, a few groups at a time. The system goes on while it is looked at: rows are compared as far as the watermark
 * had come at the start, further only while nothing is posted, and where a group's look finds a disagreement the VM is looked at by
 * itself: it counts when a second such look, after everything has settled, finds the same one.
 */
import { formatInstant } from '../domain/instant.ts';
import { floorToMinute } from './model/timeline.ts';
import { type GapAnswer, type StatusAnswer, statusAnswer, type VmSeen, vmSeen } from './answers.ts';
import { Agents } from './agents.ts';
import { anchorsDisagreement } from './anchors.ts';
import { type Disagreement, sameDisagreement } from './disagreement.ts';
import { type DocumentsOptions, type DocumentsReport, verifyDocuments } from './documents.ts';
import { firstOf, groupsOf, inTurn, rowsOf } from './groups.ts';
import { type Reader, VerifyError } from './reader.ts';
import type { VmLook, VmTally } from './look.ts';
import { lookAtVm, lookAtVms } from './vm.ts';

export interface VerifyOptions {
  /** Whether a VM is to be looked at; null: all are, and so the counts are checked too. */
  readonly picks: ((vm: string) => boolean) | null;
  /** Only rows that begin in it; null: no bound. */
  readonly fromMs: number | null;
  readonly toMs: number | null;
  /** How long posted samples may take until they are stored. */
  readonly settleMs: number;
  readonly now: () => number;
  readonly onVm: (done: number, of: number, vm: string) => void;
  /** Beside the rows, or instead of them: invoices, credit notes and ledgers. */
  readonly documents: 'also' | 'only' | 'not';
  readonly onDocument: DocumentsOptions['onDocument'];
  readonly onAccount: DocumentsOptions['onAccount'];
}

export interface VerifyReport {
  readonly agree: boolean;
  /** The first; null when all agree. */
  readonly disagreement: Disagreement | null;
  readonly vms: number;
  /** What was compared: rows, and the raw samples behind them. */
  readonly compared: Readonly<VmTally>;
  /** accepted = raw samples + duplicate + conflict + forgotten was checked, over the whole history. */
  readonly counts_checked: boolean;
  /** Why not, if not. */
  readonly counts_skipped: string | null;
  /** Rows of every VM are compared up to here at least. */
  readonly until: string | null;
  /** Null: they were not asked for, or rows disagreed already. */
  readonly documents: Omit<DocumentsReport, 'disagreement'> | null;
  /** What operators accepted as lost, since ever: answered, and stored by nobody. */
  readonly gaps: readonly GapAnswer[];
  readonly samples: Readonly<Record<'accepted' | 'applied' | 'duplicate' | 'conflict' | 'forgotten', bigint>>;
  /** Names that admins had forgotten, since ever, with their samples. */
  readonly names_forgotten: number;
}

/** In flight at once, so that server and model both have work; what is held grows with it. */
const GROUPS_AT_ONCE = 4;
/** To list a VM the server goes over all its samples: so many at a time are soon answered, however long samples are kept. */
const VMS_LISTED = 500;
const POLL_MS = 250;
const LOOKS_MAX = 5;
const DAY_MS = 86_400_000;
/** Beside the edge of the retention samples may expire while they are read. */
const EXPIRY_MARGIN_MS = 3_600_000;

export async function verifyFleet(reader: Reader, options: VerifyOptions): Promise<VerifyReport> {
  const start = await settled(reader, options);
  const { terms } = start;
  const stableMs = start.watermark === null ? 0 : Math.max(0, floorToMinute(start.watermark - terms.staleness_ms));
  const expiredMs = terms.retention_days === 0 ? 0 : options.now() - terms.retention_days * DAY_MS + EXPIRY_MARGIN_MS;
  const tally: VmTally = { samples: 0, conflicts: 0, minutes: 0, traffic: 0, outages: 0, quarantined: 0 };
  const agents = new Agents();
  const narrowed = options.picks !== null || options.fromMs !== null || options.toMs !== null;
  let expired = false;
  let vms = 0;
  let documents: VerifyReport['documents'] = null;
  const report = (status: StatusAnswer, disagreement: Disagreement | null): VerifyReport => {
    const { accepted, applied, duplicate, conflict, forgotten = 0n } = status.samples;
    const skipped =
      narrowed || options.documents === 'only'
        ? 'only a part was asked for'
        : expired || status.forgotten?.expired === true
          ? 'the oldest raw samples have expired'
          : null;
    return {
      agree: disagreement === null,
      disagreement,
      vms,
      compared: tally,
      counts_checked: skipped === null && disagreement === null && options.documents !== 'only',
      counts_skipped: skipped,
      until: stableMs === 0 ? null : formatInstant(Math.min(stableMs, options.toMs ?? Infinity)),
      documents,
      gaps: status.gaps ?? [],
      samples: { accepted, applied, duplicate, conflict, forgotten },
      names_forgotten: status.forgotten?.vms ?? 0,
    };
  };

  const seen = reader.rows('v1/vms', { limit: Math.min(VMS_LISTED, reader.pageRows) }, vmSeen);
  if (options.documents === 'only') {
    const { disagreement, ...told } = await verifyDocuments(reader, options);
    documents = told;
    return report(start, disagreement);
  }
  const lookOf = (each: VmSeen, endMs: number): VmLook => {
    const isExpired = terms.retention_days !== 0 && each.first_minute !== null && each.first_minute < expiredMs;
    return {
      vm: each.vm,
      fromMs: floorToMinute(options.fromMs ?? 0),
      endMs,
      expiredMs: isExpired ? expiredMs : null,
      countAll: !narrowed,
      stalenessMs: terms.staleness_ms,
      linkLimitBps: terms.link_limit_bps,
      firstMs: firstOf(each),
      lastSampleMs: each.last_sample ?? 0,
      rows: rowsOf(each, stableMs),
      agents,
    };
  };
  let begun = 0;
  const onVm = (vm: string): void => {
    options.onVm(begun, start.vms, vm);
    begun += 1;
  };
  const looked = inTurn(
    groupsOf(seen, options.picks, stableMs, reader.pageRows, options.fromMs ?? 0),
    GROUPS_AT_ONCE,
    async (group, signal) => {
      const looks = group.map((each) => {
        const ends = endsOf(each, stableMs, options.toMs);
        return { ...lookOf(each, ends[0] ?? 0), ends };
      });
      return lookAtVms(reader.until(signal), looks, onVm);
    },
  );
  for await (const group of looked) {
    for (const { look, found: first } of group) {
      expired ||= look.expiredMs !== null;
      const again = (endMs: number): Promise<VmTally | Disagreement> => lookAtVm(reader, { ...look, endMs });
      const found = 'table' in first ? await lookUntilSure(reader, options, again, look.ends) : first;
      if ('table' in found) return report(start, found);
      for (const name of Object.keys(tally) as (keyof VmTally)[]) tally[name] += found[name];
      vms += 1;
    }
  }
  options.onVm(vms, vms, '');
  const end = await settled(reader, options);
  const miscounted = countsDisagreement(start, end, narrowed || expired || end.forgotten?.expired === true ? null : tally);
  const loose = miscounted ?? (await anchorsDisagreement(reader, end, agents));
  if (loose !== null || options.documents === 'not') return report(end, loose);
  const { disagreement, ...told } = await verifyDocuments(reader, options);
  documents = told;
  return report(end, disagreement);
}

/** How far to look: as far as the VM's own samples published its minutes, and if these move, as far as none moves any more. */
function endsOf(seen: VmSeen, stableMs: number, toMs: number | null): number[] {
  const limitMs = floorToMinute(toMs ?? Number.MAX_SAFE_INTEGER);
  const ownMs = seen.last_sample === null ? 0 : floorToMinute(seen.last_sample);
  const ends = [Math.max(ownMs, stableMs), stableMs].map((ms) => Math.min(ms, limitMs));
  return [...new Set(ends)];
}

async function lookUntilSure(
  reader: Reader,
  options: VerifyOptions,
  look: (endMs: number) => Promise<VmTally | Disagreement>,
  ends: readonly number[],
): Promise<VmTally | Disagreement> {
  let last: Disagreement | null = null;
  for (const [index, endMs] of ends.entries()) {
    const isLast = index === ends.length - 1;
    last = null;
    const before = (await settled(reader, options)).log.appended;
    for (let looks = 1; looks <= (isLast ? LOOKS_MAX : 2); looks += 1) {
      const found = await look(endMs);
      if (!('table' in found)) return found;
      const after = (await settled(reader, options)).log.appended;
      // Minutes that samples on their way may still change prove nothing, unless none were on their way.
      if (last !== null && sameDisagreement(last, found) && (isLast || before === after)) return found;
      last = found;
    }
  }
  if (last === null) throw new VerifyError('there was nothing to look at');
  return last;
}

/** Waits until everything posted, and agreed in the catalog, before the call is in the stored rows; the log may go on growing behind it. */
async function settled(reader: Reader, options: Pick<VerifyOptions, 'now' | 'settleMs'>): Promise<StatusAnswer> {
  const untilMs = options.now() + options.settleMs;
  let status = await reader.get('v1/status', statusAnswer);
  const goal = { samples: status.log.appended, catalog: status.catalog.recorded };
  // samples that came after the call may be stored before those that wait for repair
  const isBehind = ({ log, catalog, waiting }: StatusAnswer): boolean =>
    (waiting?.vms ?? 0) > 0 || log.aggregated < goal.samples || log.stored < goal.samples || catalog.applied < goal.catalog;
  for (;;) {
    // whether or not anything that is counted waits: what a log has lost may be what nobody could count
    if (status.log_state !== undefined && status.log_state !== 'running')
      throw new VerifyError(`the server can't store what was answered: ${status.log_detail ?? 'its log is damaged'}`);
    if (!isBehind(status)) return status;
    if (options.now() >= untilMs)
      throw new VerifyError(`the server has not stored what was posted within ${options.settleMs / 1000} s${whatWaits(status)}`);
    await reader.wait(POLL_MS);
    status = await reader.get('v1/status', statusAnswer);
  }
}

/** `counted` null: not everything was counted. Samples posted meanwhile may or may not have been seen. */
function countsDisagreement(start: StatusAnswer, end: StatusAnswer, counted: VmTally | null): Disagreement | null {
  const wrong = (table: Disagreement['table'], field: string, stored: bigint | number, recomputed: string): Disagreement => ({
    ...{ table, vm: null, nic: null, minute: null, field },
    ...{ stored: stored.toString(), recomputed },
  });
  for (const { samples, log, gaps = [] } of [start, end]) {
    const sum = samples.applied + samples.duplicate + samples.conflict + (samples.forgotten ?? 0n);
    if (samples.accepted !== sum)
      return wrong('status', 'accepted', samples.accepted, `${sum} applied, duplicate, in conflict or forgotten`);
    const isStill = log.appended === log.aggregated && log.aggregated === log.stored;
    // what the log itself counts as answered: all of it is stored, a repeat or on record as lost
    const lost = gaps.reduce((all, gap) => all + (gap.samples ?? 0n), 0n);
    if (isStill && samples.accepted + lost !== log.appended)
      return wrong(
        'status',
        'accepted',
        samples.accepted,
        `${log.appended - lost} in the log${lost === 0n ? '' : ` beside ${lost} given up`}`,
      );
  }
  if (counted === null) return null;
  for (const [table, field, rows] of [
    ['samples', 'applied', counted.samples],
    ['anomalies', 'conflict', counted.conflicts],
  ] as const) {
    // what was forgotten meanwhile is no longer there to be counted
    const [before, after] = [start.samples[field], end.samples[field]];
    const [least, most] = before < after ? [before, after] : [after, before];
    if (rows < least || rows > most) return wrong(table, field, rows, least === most ? least.toString() : `${least} to ${most}`);
  }
  return null;
}

function whatWaits({ waiting }: StatusAnswer): string {
  if (waiting === undefined || waiting.vms === 0) return '';
  return `: ${waiting.vms} VMs wait for repair, ${waiting.minutes} minutes of theirs are not yet what the samples amount to. Try again when /v1/status shows none`;
}
