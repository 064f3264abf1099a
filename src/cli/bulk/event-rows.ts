import { z } from 'zod';
import { ApiError } from '../../client/wire/api-error.ts';
import type { ApiClient } from '../../client/wire/client.ts';
import { csvLine } from '../../domain/csv-cell.ts';
import { toJson } from '../../domain/json.ts';
import { answerAs } from '../terminal/answer.ts';
import type { CliContext } from '../terminal/context.ts';
import { write } from './catalog-export.ts';
import { importRows, type Judgement, type Reading, REFUSED, RowFault } from './import-rows.ts';
import { cellOf } from './members.ts';
import { isAboutRow, patient } from './row-calls.ts';
import type { FileRow, RowsFile } from './rows-of-file.ts';

/** Events out of a file, and back: the same event is recorded once. */

const BODY = ['at', 'kind', 'note', 'amount', 'rate', 'from', 'to'] as const;
const COLUMNS = ['vm', ...BODY, 'withdrawn', 'id', 'recorded_at', 'recorded_by'] as const;

export interface EventImport {
  readonly source: RowsFile;
  readonly isDryRun: boolean;
  readonly json: boolean;
}

export async function importEvents(client: ApiClient, context: CliContext, options: EventImport): Promise<void> {
  const earlier = new Map<string, number>();
  await importRows(context, {
    ...{
      source: options.source,
      json: options.json,
      what: 'events',
      needed: ['vm', 'at', 'kind'],
      columns: ['vm', 'at', 'kind'],
    },
    read: (row): Reading => {
      const { vm, at, kind, withdrawn, body } = eventOf(row);
      const judge = async (): Promise<Judgement> => {
        if (withdrawn) return { verdict: 'passed over', why: 'it was withdrawn' };
        const judgement = await verdictOn(client, context, vm, body, options.isDryRun);
        if (!options.isDryRun || judgement.verdict !== 'would be recorded') return judgement;
        const says = JSON.stringify([vm, body]);
        const before = earlier.get(says);
        earlier.set(says, before ?? row.line);
        return before === undefined ? judgement : { verdict: 'already there', why: `as line ${before}` };
      };
      return { about: { vm, at, kind }, key: vm, stage: '', judge };
    },
  });
}

interface EventRow {
  readonly vm: string;
  readonly at: string;
  readonly kind: string;
  readonly withdrawn: boolean;
  readonly body: Readonly<Record<string, string>>;
}

function eventOf(row: Exclude<FileRow, { fault: string }>): EventRow {
  const given: Readonly<Record<string, unknown>> = 'cells' in row ? row.cells : row.members;
  const text = (name: string): string => {
    const value = given[name] ?? '';
    if (typeof value === 'string') return value;
    throw new RowFault(`${name}: must be a text`);
  };
  const vm = text('vm');
  if (vm === '') throw new RowFault('vm: is not there');
  const body = BODY.map((name) => [name, text(name)] as const).filter(([, value]) => value !== '');
  const withdrawn = String(given['withdrawn']).toLowerCase() === 'true';
  return { ...{ vm, at: text('at'), kind: text('kind'), withdrawn }, body: Object.fromEntries(body) };
}

async function verdictOn(
  client: ApiClient,
  context: CliContext,
  vm: string,
  body: object,
  isDryRun: boolean,
): Promise<Judgement> {
  const path = `/v1/vms/${encodeURIComponent(vm)}/events?once=true${isDryRun ? '&dry_run=true' : ''}`;
  try {
    const { status, json } = await patient(context, () => client.call('POST', path, body));
    if (!isDryRun) return { verdict: status === 201 ? 'recorded' : 'already there' };
    return { verdict: answerAs(z.looseObject({ is_new: z.boolean() }), json).is_new ? 'would be recorded' : 'already there' };
  } catch (error) {
    if (error instanceof ApiError && isAboutRow(error)) return { verdict: REFUSED, why: error.message };
    throw error;
  }
}

const Page = z.looseObject({ rows: z.array(z.looseObject({})), next: z.string().nullable() });

/** Writes events as rows that import reads, withdrawn ones marked so. Throws `ApiError`, `CommandFailure`. */
export async function exportEvents(
  client: ApiClient,
  context: CliContext,
  { csv, ...filters }: { readonly csv: boolean } & Readonly<Record<string, string | boolean>>,
): Promise<void> {
  if (csv) await write(context, csvLine(COLUMNS));
  for (
    let asked = new URLSearchParams(Object.entries(filters).map(([name, value]): [string, string] => [name, String(value)]));
    ;
  ) {
    const { json } = await patient(context, () => client.call('GET', `/v1/events?${asked.toString()}`));
    const { rows, next } = answerAs(Page, json);
    for (const row of rows)
      await write(context, csv ? csvLine(COLUMNS.map((column) => cellOf(row, column))) : `${toJson(row)}\n`);
    if (next === null) return;
    asked = new URLSearchParams({ cursor: next });
  }
}
