import { once } from 'node:events';
import { z } from 'zod';
import { parseExact } from '../../client/wire/exact-json.ts';
import type { ApiClient } from '../../client/wire/client.ts';
import { csvLine } from '../../domain/csv-cell.ts';
import { toJson } from '../../domain/json.ts';
import { answerAs } from '../terminal/answer.ts';
import type { CliContext } from '../terminal/context.ts';
import { type Kind, KINDS } from './catalog-import.ts';
import { cellOf } from './members.ts';
import { patient } from './row-calls.ts';

const Page = z.looseObject({ rows: z.array(z.looseObject({})), next: z.string().nullable() });

/** Members of a body in the order of the columns; lists and what has members as JSON. */
export const CATALOG_COLUMNS = {
  plan: ['kind', 'id', 'version', 'title', 'currency', 'time_zone', 'price.amount', 'price.per', 'creditable', 'terms', 'traffic', 'refund_handling_fee', 'minimum', 'maximum', 'flat', 'setup'],
  account: ['kind', 'id', 'version', 'name', 'currency', 'tax_percent', 'language', 'address', 'tax_id', 'registration', 'purchase_order', 'email', 'time_zone', 'low_balance', 'invoices', 'due_days', 'settlement', 'taxes', 'discounts'],
  vm: ['kind', 'id', 'version', 'account', 'title', 'terms', 'plans', 'starts_at', 'ends_at', 'paid_at', 'paid_until', 'paid_amount', 'promotion', 'add_ons', 'discounts', 'nics'],
} as const satisfies Readonly<Record<Kind, readonly string[]>>; // prettier-ignore
/** Of the server, and no part of what is agreed. */
const NOT_AGREED: ReadonlySet<string> = new Set(['recorded_at', 'recorded_by', 'warnings']);

/** Writes the catalog to standard output, page by page. Throws `ApiError`, `CommandFailure`. */
export async function exportCatalog(
  client: ApiClient,
  context: CliContext,
  { kind: only, account, csv }: { kind: Kind | undefined; account: string | undefined; csv: boolean },
): Promise<void> {
  for (const kind of only === undefined ? KINDS : [only]) {
    // Members that later versions have are columns too, where the first page has them.
    let columns: readonly string[] | undefined;
    const first = new URLSearchParams(account === undefined || kind === 'account' ? {} : { account });
    for await (const rows of pagesOf(client, context, kind, first)) {
      const bodies = rows.map((body) => ({
        kind,
        ...Object.fromEntries(Object.entries(body).filter(([name]) => !NOT_AGREED.has(name))),
      }));
      if (csv) {
        columns ??= await writeHeading(context, kind, bodies);
        for (const body of bodies) await write(context, csvLine(columns.map((column) => cellOf(body, column))));
      } else for (const body of bodies) await write(context, `${toJson(body)}\n`);
    }
  }
}

async function writeHeading(
  context: CliContext,
  kind: Kind,
  bodies: readonly Record<string, unknown>[],
): Promise<readonly string[]> {
  const known = new Set<string>(CATALOG_COLUMNS[kind].flatMap((column) => [column, column.split('.', 1).join('')]));
  const more = [...new Set(bodies.flatMap(Object.keys))].filter((name) => !known.has(name)).sort();
  const columns = [...CATALOG_COLUMNS[kind], ...more];
  await write(context, csvLine(columns));
  return columns;
}

/** At most as much is held as who reads has not taken yet. */
export async function write(context: CliContext, text: string): Promise<void> {
  if (!context.stdout.write(text) && !context.stdout.destroyed) await once(context.stdout, 'drain');
}

async function* pagesOf(
  client: ApiClient,
  context: CliContext,
  kind: Kind,
  first: URLSearchParams,
): AsyncGenerator<Record<string, unknown>[]> {
  for (let asked = first; ;) {
    const { text } = await patient(context, () => client.call('GET', `/v1/${kind}s?${asked.toString()}`));
    const { rows, next } = answerAs(Page, parseExact(text));
    // VMs are listed with what was seen of them; one that is only metered has nothing agreed.
    yield rows.flatMap((row) =>
      'agreed' in row ? (row['agreed'] === null ? [] : [row['agreed'] as Record<string, unknown>]) : [row],
    );
    if (next === null) return;
    asked = new URLSearchParams({ cursor: next });
  }
}
