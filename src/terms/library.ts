import { faultInWords } from '../domain/fault-words.ts';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatInstant } from '../domain/instant.ts';
import { installedFolder } from '../process/installation.ts';
import { DAY_MS } from '../domain/zone.ts';
import { termsSheet } from './checked-sheet.ts';
import type { TermsSheet } from './sheet.ts';

/** A sheet that can't be used: one line a fault, each naming the file and the field. */
export class TermsError extends Error {
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super(`the terms sheets cannot be used:\n${faults.map((fault) => `  ${fault}`).join('\n')}`);
    this.name = 'TermsError';
    this.faults = faults;
  }
}

/** A checked sheet, and its JSON as it was written: what a recorded decision shows. */
export interface LoadedSheet {
  sheet: TermsSheet;
  json: unknown;
  file: string;
}

/** All sheets that a server knows, by id and instant. */
export class TermsLibrary {
  /** Versions by id, ascending. */
  readonly #byId = new Map<string, LoadedSheet[]>();

  /** Throws TermsError when versions of one sheet contradict each other. */
  constructor(sheets: readonly LoadedSheet[]) {
    const faults: string[] = [];
    for (const loaded of sheets.toSorted((a, b) => a.sheet.version - b.sheet.version)) {
      const { id, version, effective_from } = loaded.sheet;
      const versions = this.#byId.get(id) ?? [];
      const before = versions.at(-1);
      if (before?.sheet.version === version)
        faults.push(`${loaded.file}: ${id} has version ${version} in ${before.file} already`);
      else if (before !== undefined && before.sheet.effective_from >= effective_from)
        faults.push(`${loaded.file}: effective_from must be after that of version ${before.sheet.version} (${before.file})`);
      else if ((before?.sheet.effective_until ?? 0) > effective_from)
        faults.push(`${loaded.file}: begins before version ${before?.sheet.version ?? 0} ends (${before?.file ?? ''})`);
      else if (before !== undefined) faults.push(...noticeFaults(before, loaded));
      versions.push(loaded);
      this.#byId.set(id, versions);
    }
    if (faults.length > 0) throw new TermsError(faults);
  }

  ids(): string[] {
    return [...this.#byId.keys()].sort();
  }

  versions(id: string): readonly LoadedSheet[] {
    return this.#byId.get(id) ?? [];
  }

  /**
   * The version in force at an instant: the last that has begun. Before the first one began, the first: who names a sheet
   * has agreed to it. Undefined if there is no such sheet, or it has ended.
   */
  inForce(id: string, atMs: number): LoadedSheet | undefined {
    const versions = this.versions(id);
    const found = versions.findLast(({ sheet }) => sheet.effective_from <= atMs) ?? versions[0];
    const until = found?.sheet.effective_until ?? null;
    return until !== null && until <= atMs ? undefined : found;
  }
}

/** What is wrong with how a version was announced: by the one that it follows, or by its own word, whichever asks for more (SPEC §6a). */
function noticeFaults({ sheet: before }: LoadedSheet, { sheet, file }: LoadedSheet): string[] {
  const days = Math.max(before.notice_days ?? -1, sheet.notice_days ?? -1);
  if (days < 0) return [];
  const asked = `${sheet.id} asks for ${days} days' notice of changes`;
  if (sheet.announced_at === null) return [`${file}: announced_at: ${asked}, so say when version ${sheet.version} was announced`];
  const earliestMs = sheet.announced_at + days * DAY_MS;
  if (sheet.effective_from >= earliestMs) return [];
  return [
    `${file}: effective_from: ${asked}; announced at ${formatInstant(sheet.announced_at)}, version ${sheet.version} can begin at ${formatInstant(earliestMs)}, no earlier`,
  ];
}

/** A library in which one sheet stands in for every version of another, at any instant: what if its terms had been these. */
export function replacing(library: TermsLibrary, id: string, { sheet, json, file }: LoadedSheet): TermsLibrary {
  const others = library.ids().filter((each) => each !== id);
  const standIn = { sheet: { ...sheet, id, effective_until: null }, json, file };
  return new TermsLibrary([...others.flatMap((each) => library.versions(each)), standIn]);
}

/** Checks a sheet's text. Returns the sheet, or a line a fault. */
export function parseSheet(text: string, file: string): LoadedSheet | readonly string[] {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    return [`${file}: is no JSON: ${error instanceof Error ? error.message : String(error)}`];
  }
  const parsed = termsSheet.safeParse(json, { error: faultInWords });
  if (parsed.success) return { sheet: parsed.data, json, file };
  return parsed.error.issues.map((issue) => {
    const path = issue.path.map(String).join('.');
    const message = issue.code === 'unrecognized_keys' ? `${issue.keys.join(', ')}: not known here` : issue.message;
    return path === '' ? `${file}: ${message}` : `${file}: ${path}: ${message}`;
  });
}

/** Reads the sheets of folders (all `*.json` in each). Throws TermsError with every fault of every file. */
export function loadTerms(folders: readonly string[]): TermsLibrary {
  const sheets: LoadedSheet[] = [];
  const faults: string[] = [];
  for (const folder of folders) {
    if (!existsSync(folder)) continue;
    for (const name of readdirSync(folder).sort()) {
      if (!name.endsWith('.json')) continue;
      const parsed = parseSheet(readFileSync(join(folder, name), 'utf8'), name);
      if ('sheet' in parsed) sheets.push(parsed);
      else faults.push(...parsed);
    }
  }
  if (faults.length > 0) throw new TermsError(faults);
  return new TermsLibrary(sheets);
}

/** The sheets that come with the product. */
export function shippedTermsFolder(): string {
  return installedFolder('schemas/terms');
}

/** A line for lists: `cstserver-2022 v1 from 2022-09-05T00:00:00Z`. */
export function sheetLine({ id, version, effective_from, effective_until }: TermsSheet): string {
  const until = effective_until === null ? '' : ` until ${formatInstant(effective_until)}`;
  return `${id} v${version} from ${formatInstant(effective_from)}${until}`;
}
