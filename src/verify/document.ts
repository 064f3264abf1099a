/** One final document by itself: its digests, its sums, and every line computed again from its own evidence. No server is asked. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { ModelLine } from './model/invoice-facts.ts';
import type { Condition } from '../domain/condition.ts';
import { formatInstant } from '../domain/instant.ts';
import { countedOutages, derivedLines, derivedReviews } from './derive.ts';
import { Disagreed } from './disagreement.ts';
import {
  contentShape,
  type DocumentContent,
  type DocumentLine,
  type Evidence,
  evidenceShape,
  readShaped,
} from './document-shapes.ts';

/** A document as its issuer keeps it: the very texts that the digests are of. */
export interface DocumentText {
  readonly content: string;
  readonly evidence: string;
  readonly sha256: { readonly content: string; readonly evidence: string };
}

export interface CheckedDocument {
  readonly content: DocumentContent;
  readonly evidence: Evidence | null;
  /** Lines computed again; null where the evidence is of a version that did not keep enough for it. */
  readonly derived: number | null;
}

/** With what the server says of its state. */
export interface Checked extends CheckedDocument {
  readonly status: string;
}

/** `invoice 7 of acme`, `credit note 2 of acme`. */
export function nameOf({ type, number, account }: Pick<DocumentContent, 'type' | 'number' | 'account'>): string {
  return `${type === 'invoice' ? 'invoice' : 'credit note'} ${number} of ${account}`;
}

export function sha256(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('hex');
}

/** What a disagreement about a document names. */
export function disagreedAbout(
  document: string,
  where: { readonly vm?: string | null; readonly field: string; readonly atMs?: number },
  stored: string | null,
  recomputed: string | null,
): Disagreed {
  const minute = where.atMs === undefined ? null : formatInstant(where.atMs);
  return new Disagreed({
    ...{ table: 'invoices', document, vm: where.vm ?? null, nic: null, minute },
    ...{ field: where.field, stored, recomputed },
  });
}

/** Checks a document. Throws `Disagreed` at the first thing that is not so, `VerifyError` if it is no document of ours. */
export function checkDocument(text: DocumentText): CheckedDocument {
  const content = readShaped('a document', text.content, contentShape);
  const name = nameOf(content);
  checkDigests(name, text);
  checkSum(name, content);
  const kept = readShaped(`the evidence of ${name}`, text.evidence, z.looseObject({ agreed: z.unknown().optional() }));
  if (kept.agreed === undefined) return { content, evidence: null, derived: null };
  const evidence = readShaped(`the evidence of ${name}`, text.evidence, evidenceShape);
  checkCounted(name, evidence);
  const derived = derivedLines(content, evidence);
  if (content.type === 'invoice') {
    compareLines(name, content.lines.filter(isRated), derived);
    compareReviews(name, content, evidence);
  } else compareCorrections(name, content, derived);
  return { content, evidence, derived: derived.length };
}

/** Whether a document's texts are those that its digests were taken of. */
export function checkDigests(name: string, { content, evidence, sha256: issued }: DocumentText): void {
  for (const [part, of] of [
    ['content', content],
    ['evidence', evidence],
  ] as const) {
    const found = sha256(of);
    if (found !== issued[part]) throw disagreedAbout(name, { field: `SHA-256 of the ${part}` }, issued[part], found);
  }
}

function checkSum(name: string, { lines, total }: DocumentContent): void {
  const sum = lines.reduce((all, line) => all + nanosOf(line.amount), 0n);
  if (sum !== nanosOf(total)) throw disagreedAbout(name, { field: 'total' }, total, `${decimal(sum)}, the sum of its lines`);
}

/** The outages it counted are those reported, as its incidents restate them. */
function checkCounted(name: string, evidence: Evidence): void {
  for (const measured of evidence.vms) {
    const vm = evidence.agreed.vms.find((each) => each.vm === measured.vm);
    if (vm === undefined || measured.horizon === null) continue;
    const horizon = measured.horizon;
    const counted = measured.outages_counted.flatMap(([start, end, cause]) =>
      start < Math.min(end ?? horizon, horizon) ? [stretch(start, Math.min(end ?? horizon, horizon), cause)] : [],
    );
    const derived = countedOutages(vm, measured, evidence.agreed.terms).map((each) =>
      stretch(each.startMs, each.endMs, each.cause),
    );
    const at = counted.findIndex((each, i) => each !== derived[i]);
    if (at === -1 && counted.length === derived.length) continue;
    const i = at === -1 ? counted.length : at;
    throw disagreedAbout(name, { vm: vm.vm, field: 'outage counted' }, counted[i] ?? null, derived[i] ?? null);
  }
}

function stretch(startMs: number, endMs: number, cause: Condition): string {
  return `${formatInstant(startMs)} to ${formatInstant(endMs)}, ${cause}`;
}

/** Debits of earlier invoices are charged on a later one: what they rest on is the document they correct. */
function isRated(line: DocumentLine): boolean {
  return typeof line.detail['debit'] !== 'string';
}

function compareLines(name: string, lines: readonly DocumentLine[], derived: readonly ModelLine[]): void {
  for (let i = 0; i < Math.max(lines.length, derived.length); i += 1) {
    const line = lines[i];
    const mine = derived[i];
    const vm = line?.vm ?? mine?.vm ?? null;
    const field = `line ${i + 1}`;
    const shown = line === undefined ? null : `${line.kind} ${line.vm ?? ''} ${line.amount}`.replace('  ', ' ');
    const told = mine === undefined ? null : `${mine.kind} ${mine.vm ?? ''} ${decimal(mine.nanos)}`.replace('  ', ' ');
    if (line === undefined || mine === undefined || line.kind !== mine.kind || line.vm !== mine.vm)
      throw disagreedAbout(name, { vm, field }, shown, told);
    if (aboutOf(line) !== undefined && aboutOf(line) !== mine.about)
      throw disagreedAbout(name, { vm, field: `${field} (${line.kind}), what it is about` }, String(aboutOf(line)), mine.about);
    if (mine.quantity !== null && line.quantity !== mine.quantity.toString())
      throw disagreedAbout(name, { vm, field: `${field} (${line.kind}), quantity` }, line.quantity, mine.quantity.toString());
    if (nanosOf(line.amount) !== mine.nanos)
      throw disagreedAbout(name, { vm, field: `${field} (${line.kind}), amount` }, line.amount, decimal(mine.nanos));
  }
}

/** What the document says of silence that nobody had judged is what it was: which VMs, and how much would have been credited. */
function compareReviews(name: string, content: DocumentContent, evidence: Evidence): void {
  const told = content.needs_review.map((each) => `${each.vm} ${decimal(nanosOf(each.at_stake))}`);
  const derived = derivedReviews(content, evidence).map((each) => `${each.vm} ${decimal(each.nanos)}`);
  for (let i = 0; i < Math.max(told.length, derived.length); i += 1)
    if (told[i] !== derived[i]) throw disagreedAbout(name, { field: 'needs_review' }, told[i] ?? null, derived[i] ?? null);
}

/** A line of a credit note takes back no more than the period has come to less, and says truly what it comes to now. */
function compareCorrections(name: string, content: DocumentContent, derived: readonly ModelLine[]): void {
  for (const [i, line] of content.lines.entries()) {
    const { before, after } = line.detail;
    if (typeof before !== 'string' || typeof after !== 'string') continue;
    const field = `line ${i + 1} (${line.kind})`;
    const most = nanosOf(before) - nanosOf(after);
    if (-nanosOf(line.amount) > most)
      throw disagreedAbout(name, { vm: line.vm, field: `${field}, amount` }, line.amount, `at most ${decimal(-most)}`);
    // What takes back a debit rests on the period that the debit was of.
    if ((line.kind !== 'service' && line.kind !== 'tax') || isOfDebit(line)) continue;
    // Credit for unavailability is part of the service line it takes from.
    // Where something lowers the lines of a VM it says which they are.
    const said = line.detail['kinds'];
    const kinds = Array.isArray(said) ? said.map(String) : line.kind === 'service' ? ['service', 'credit'] : [line.kind];
    const taxed = line.detail['taxed_kinds'];
    const about = Array.isArray(taxed) ? taxed.join(' ') : null;
    const now = derived
      .filter((each) => kinds.includes(each.kind) && each.vm === line.vm && (each.kind !== 'tax' || each.about === about))
      .reduce((sum, each) => sum + each.nanos, 0n);
    if (nanosOf(after) !== now) throw disagreedAbout(name, { vm: line.vm, field: `${field}, after` }, after, decimal(now));
  }
}

/** Whether a line of a credit note takes back what a debit charged, not what its own invoice's period was rated to. */
export function isOfDebit(line: DocumentLine): boolean {
  return line.detail['debit_of'] !== undefined;
}

const OF_A_PLAN = new Set(['service', 'traffic', 'flat', 'minimum', 'maximum', 'setup']);

function aboutOf(line: DocumentLine): unknown {
  if (line.kind === 'add_on' || line.kind === 'charge' || line.kind === 'discount') return line.detail[line.kind];
  const { kinds } = line.detail;
  if (line.kind === 'tax' && Array.isArray(kinds)) return kinds.join(' ');
  return OF_A_PLAN.has(line.kind) ? line.detail['plan'] : line.kind === 'late_fee' ? line.detail['invoice'] : undefined;
}

/** The nanos of an amount as documents write it, with its sign. */
export function nanosOf(amount: string): bigint {
  const negative = amount.startsWith('-');
  const [whole = '0', fraction = ''] = amount.slice(negative ? 1 : 0).split('.');
  const nanos = BigInt(whole + fraction.padEnd(9, '0').slice(0, 9));
  return negative ? -nanos : nanos;
}

/** Nanos as a decimal without needless zeros. */
export function decimal(nanos: bigint): string {
  const digits = (nanos < 0n ? -nanos : nanos).toString().padStart(10, '0');
  const fraction = digits.slice(-9).replace(/0+$/, '').padEnd(2, '0');
  return `${nanos < 0n ? '-' : ''}${digits.slice(0, -9)}.${fraction}`;
}
