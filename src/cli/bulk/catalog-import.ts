import { z } from 'zod';
import { ApiError } from '../../client/wire/api-error.ts';
import type { ApiClient } from '../../client/wire/client.ts';
import { answerAs } from '../terminal/answer.ts';
import type { CliContext } from '../terminal/context.ts';
import { importRows, type Judgement, type Reading, REFUSED, RowFault } from './import-rows.ts';
import { bodyOfCells } from './members.ts';
import { isAboutRow, patient } from './row-calls.ts';
import type { FileRow, RowsFile } from './rows-of-file.ts';

/** Plans, accounts and VMs out of a file, each by the call that would make it by hand: what that refuses is refused here. */

export const KINDS = ['plan', 'account', 'vm'] as const;
export type Kind = (typeof KINDS)[number];
/** Members that the server adds to a body: what is exported may come back. */
const ADDED: ReadonlySet<string> = new Set(['kind', 'id', 'version', 'recorded_at', 'recorded_by', 'warnings']);

const Versioned = z.looseObject({ version: z.union([z.number(), z.string()]) });
const Would = z.looseObject({ change: z.enum(['made', 'changed', 'none']), invoices: z.array(z.unknown()), left: z.number() });
const WOULD = { made: 'would be made', changed: 'would be changed', none: 'as it is' } as const;

export interface CatalogImport {
  readonly source: RowsFile;
  /** What rows are that do not say it. */
  readonly kind: Kind | undefined;
  readonly isDryRun: boolean;
  /** Rows change the fields that they name, and no other. */
  readonly isPatch: boolean;
  readonly restates: boolean;
  readonly json: boolean;
}

export async function importCatalog(client: ApiClient, context: CliContext, options: CatalogImport): Promise<void> {
  const would = new Making();
  await importRows(context, {
    ...{ source: options.source, json: options.json, what: 'rows', columns: ['kind', 'id'] },
    needed: options.kind === undefined ? ['kind', 'id'] : ['id'],
    read: (row) => readingOf(row, options, (thing) => judge(client, context, thing, options, would)),
  });
}

interface Thing {
  readonly kind: Kind;
  readonly id: string;
  readonly line: number;
  /** The version that the row was read of, where it says. */
  readonly version: string | undefined;
  readonly body: Readonly<Record<string, unknown>>;
}

function readingOf(
  row: Exclude<FileRow, { fault: string }>,
  options: CatalogImport,
  judged: (thing: Thing) => Promise<Judgement>,
): Reading {
  const members = 'cells' in row ? bodyOfCells(row.cells) : row.members;
  const { kind = options.kind, id, version } = members;
  if (!isKind(kind)) throw new RowFault(`kind: must be one of ${KINDS.join(', ')}`);
  if (typeof id !== 'string' || id === '') throw new RowFault('id: is not there');
  const isVersion = /^\d{1,20}$/.test(String(version));
  if (version !== undefined && version !== null && !isVersion) throw new RowFault('version: must be digits');
  const body = Object.fromEntries(Object.entries(members).filter(([name]) => !ADDED.has(name)));
  const thing = { kind, id, line: row.line, version: isVersion ? String(version) : undefined, body };
  return { about: { kind, id }, key: `${kind} ${id}`, stage: kind, judge: () => judged(thing) };
}

function isKind(value: unknown): value is Kind {
  return KINDS.some((kind) => kind === value);
}

async function judge(
  client: ApiClient,
  context: CliContext,
  thing: Thing,
  options: CatalogImport,
  would: Making,
): Promise<Judgement> {
  const { kind, id, body, version } = thing;
  const path = `/v1/${kind}s/${encodeURIComponent(id)}`;
  const call = (asked: string, ifMatch?: string) =>
    patient(context, () =>
      client.call(
        options.isPatch ? 'PATCH' : 'PUT',
        `${path}${asked}`,
        body,
        undefined,
        ifMatch === undefined ? {} : { 'if-match': `"${ifMatch}"` },
      ),
    );
  const query = (more: Readonly<Record<string, string>>): string => {
    const text = new URLSearchParams({ ...more, ...(options.restates ? { restate: 'true' } : {}) }).toString();
    return text === '' ? '' : `?${text}`;
  };
  const wouldBe = async (ifMatch?: string) => answerAs(Would, (await call(query({ dry_run: 'true' }), ifMatch)).json);
  try {
    if (options.isDryRun) {
      const { change, invoices, left } = await wouldBe(version);
      const corrected = invoices.length + left;
      would.add(thing, change);
      return { verdict: WOULD[change], why: corrected === 0 ? '' : `touches what ${corrected} final invoices say` };
    }
    const before = await versionNow(client, context, path);
    const after = answerAs(Versioned, (await call(query({}), version)).json).version;
    return { verdict: before === undefined ? 'made' : String(after) === before ? 'as it is' : 'changed' };
  } catch (error) {
    if (!(error instanceof ApiError) || !isAboutRow(error)) throw error;
    // The version moved on, and the row says what is in force: it was imported before.
    if (error.code === 'version_conflict' && (await isInForce(wouldBe))) return { verdict: 'as it is' };
    const first = options.isDryRun ? would.missedIn(thing, error) : undefined;
    if (first !== undefined) return { verdict: WOULD.made, why: `with what line ${first} makes` };
    return { verdict: REFUSED, why: error.message };
  }
}

async function isInForce(wouldBe: () => Promise<{ change: string }>): Promise<boolean> {
  try {
    return (await wouldBe()).change === 'none';
  } catch (error) {
    if (error instanceof ApiError && isAboutRow(error)) return false;
    throw error;
  }
}

async function versionNow(client: ApiClient, context: CliContext, path: string): Promise<string | undefined> {
  try {
    return String(answerAs(Versioned, (await patient(context, () => client.call('GET', path))).json).version);
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return undefined;
    throw error;
  }
}

/** What a dry run would have made so far: a VM whose plan stands above it in the file is not refused for that. */
class Making {
  readonly #lines = new Map<string, number>();

  add({ kind, id, line }: Thing, change: 'made' | 'changed' | 'none'): void {
    if (change === 'made' && kind !== 'vm') this.#lines.set(`${kind} ${id}`, line);
  }

  /** The line that makes what the server misses; undefined where it misses anything else. */
  missedIn({ body }: Thing, { code, fields }: ApiError): number | undefined {
    if (code !== 'invalid_reference' || fields.length === 0) return undefined;
    const lines = fields.map(({ field }) => {
      const named = field.split('.').reduce<unknown>((at, part) => (at as Record<string, unknown> | undefined)?.[part], body);
      const kind = field === 'account' ? 'account' : 'plan';
      return typeof named === 'string' ? this.#lines.get(`${kind} ${named}`) : undefined;
    });
    return lines.every((line) => line !== undefined) ? lines[0] : undefined;
  }
}
