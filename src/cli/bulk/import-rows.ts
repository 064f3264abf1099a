import { tableLines } from '../../process/text-table.ts';
import { CommandFailure, type CliContext, writeLine } from '../terminal/context.ts';
import { startProgress } from '../terminal/progress.ts';
import type { FileRow, RowsFile } from './rows-of-file.ts';
import { rowsOf } from './rows-of-file.ts';

/** Rows that are imported one by one, each with a verdict: what is wrong with one is said of it, and of no other. */

/** What became of a row. */
export interface Judgement {
  readonly verdict: string;
  /** Of what is refused: why. Of others: what is worth to know. */
  readonly why?: string;
}

export interface Judged extends Judgement {
  readonly line: number;
  /** What the row is about, by column. */
  readonly about: Readonly<Record<string, string>>;
}

/** A row that was read: what it is about, and how to do what it says. */
export interface Reading {
  readonly about: Readonly<Record<string, string>>;
  /** Rows of one key are done one after another. */
  readonly key: string;
  /** Rows of one stage are done at once; all of a stage are done before the next begins. */
  readonly stage: string;
  /** Throws where the key or the server is at fault, not the row. */
  readonly judge: () => Promise<Judgement>;
}

export interface ImportOptions {
  readonly source: RowsFile;
  /** Columns that a CSV file must have. */
  readonly needed: readonly string[];
  /** Heads of the table of verdicts, between the line and the verdict. */
  readonly columns: readonly string[];
  /** In the plural. */
  readonly what: string;
  readonly json: boolean;
  /** Reads a row; throws `RowFault`. */
  readonly read: (row: Exclude<FileRow, { fault: string }>) => Reading;
}

/** What is wrong with a row, before anybody was asked. */
export class RowFault extends Error {
  override readonly name = 'RowFault';
}

export const REFUSED = 'refused';
const AT_ONCE = 16;
/** Verdicts that are shown at the end: of more rows, only those that are refused. */
const SHOWN_MAX = 1_000;

interface Begun {
  readonly reading: { readonly key: string; readonly stage: string };
  readonly done: Promise<Judged | { readonly error: unknown }>;
}

/** Imports all rows, some at once; verdicts are told in the order of the file. Throws `CommandFailure` where a row was refused or it was stopped. */
export async function importRows(context: CliContext, options: ImportOptions): Promise<void> {
  // A file is read through before anything is done: what is no such file changes nothing.
  const total = options.source.file === '-' ? undefined : await countRows(context, options);
  const signal = context.interrupted();
  const tally = new Tally(context, options, total);
  const begun: Begun[] = [];
  const finish = async (left: number): Promise<void> => {
    while (begun.length > left) {
      const outcome = await begun.shift()?.done;
      if (outcome === undefined) return;
      if ('error' in outcome) throw outcome.error;
      tally.add(outcome);
    }
  };
  try {
    for await (const row of rowsOf(context, options.source, options.needed)) {
      if (signal.aborted) break;
      const reading = readRow(options, row);
      if (begun.some((each) => each.reading.key === reading.key || each.reading.stage !== reading.stage)) await finish(0);
      const done = reading.judge().then(
        (judgement) => ({ line: row.line, about: reading.about, ...judgement }),
        (error: unknown) => ({ error }),
      );
      begun.push({ reading, done });
      await finish(AT_ONCE - 1);
    }
    await finish(0);
  } finally {
    // What was done till then is told, also where the server can't be reached any more.
    for (const { done } of begun) {
      const outcome = await done;
      if ('line' in outcome) tally.add(outcome);
    }
    tally.end();
  }
  if (signal.aborted)
    throw new CommandFailure(`stopped after ${tally.done} ${options.what}; the same command goes on where it was`);
  if (tally.refused > 0) throw new CommandFailure(`${tally.refused} of ${tally.done} ${options.what} were refused`);
}

function readRow({ read }: ImportOptions, row: FileRow): Reading {
  const fault = (why: string): Reading => ({
    ...{ about: {}, key: `line ${row.line}`, stage: '' },
    judge: () => Promise.resolve({ verdict: REFUSED, why }),
  });
  if ('fault' in row) return fault(row.fault);
  try {
    return read(row);
  } catch (error) {
    if (error instanceof RowFault) return fault(error.message);
    throw error;
  }
}

async function countRows(context: CliContext, { source, needed }: ImportOptions): Promise<number> {
  let rows = 0;
  for await (const row of rowsOf(context, source, needed)) rows += row.line > 0 ? 1 : 0;
  return rows;
}

/** What became of the rows so far, and who is told. */
class Tally {
  done = 0;
  refused = 0;
  readonly #context: CliContext;
  readonly #options: ImportOptions;
  readonly #total: number | undefined;
  readonly #counts = new Map<string, number>();
  readonly #shown: Judged[] = [];
  readonly #progress;

  constructor(context: CliContext, options: ImportOptions, total: number | undefined) {
    [this.#context, this.#options, this.#total] = [context, options, total];
    this.#progress = startProgress(
      context,
      {
        format: `{bar} {value} of {total} ${options.what} | {eta_formatted} | {refused} refused`,
        first: { done: 0, of: total ?? 0, refused: 0 },
      },
      ({ done, of, refused }) => `${done}${total === undefined ? '' : ` of ${of}`} ${options.what}, ${refused} refused`,
    );
  }

  add(judged: Judged): void {
    this.done += 1;
    if (judged.verdict === REFUSED) this.refused += 1;
    this.#counts.set(judged.verdict, (this.#counts.get(judged.verdict) ?? 0) + 1);
    const { line, about, verdict, why = '' } = judged;
    if (this.#options.json) writeLine(this.#context.stdout, JSON.stringify({ line, ...about, verdict, why }));
    else if (this.#shown.length < SHOWN_MAX && (verdict === REFUSED || (this.#total ?? 0) <= SHOWN_MAX)) this.#shown.push(judged);
    this.#progress.update({ done: this.done, of: this.#total ?? this.done, refused: this.refused });
  }

  end(): void {
    this.#progress.stop();
    if (this.#options.json) return;
    const { columns } = this.#options;
    const cells = this.#shown.map(({ line, about, verdict, why = '' }) => [
      line.toString(),
      ...columns.map((column) => about[column] ?? ''),
      ...[verdict, why],
    ]);
    const lines = cells.length === 0 ? [] : [...tableLines(['line', ...columns, 'verdict', ''], cells), ''];
    for (const each of lines) writeLine(this.#context.stdout, each);
    const left = this.done - this.#shown.length;
    if (left > 0 && cells.length > 0) writeLine(this.#context.stdout, `and ${left} rows more: --json has all`);
    writeLine(this.#context.stdout, [...this.#counts].map(([verdict, n]) => `${n} ${verdict}`).join(', ') || 'no rows');
  }
}
