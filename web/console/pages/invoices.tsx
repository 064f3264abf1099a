/** Invoices and credit notes, page by page. */
import type { JSX } from 'preact';
import { useZones, zoneOfPeriod } from '../../shared/agreed.ts';
import { pathOf } from '../../shared/api.ts';
import { useAsk } from '../../shared/ask.ts';
import { day } from '../../shared/format.ts';
import { to } from '../../shared/router.ts';
import { Answer, Badge, Field, Filters, Heading, Money, Pager, Section, Table } from '../../shared/ui.tsx';
import { say, sayCode } from '../../shared/words.ts';
import type { ViewProps } from '../views.ts';

export interface ListedInvoice {
  readonly id: string;
  readonly type: string;
  readonly number: number | null;
  readonly number_text?: string | null;
  readonly status: string;
  readonly account: string;
  readonly currency: string;
  readonly from: string;
  readonly to: string;
  readonly total: string;
}

const STATUSES = ['draft', 'final', 'paid', 'void'] as const;
const TYPES = ['invoice', 'credit_note'] as const;

export function Invoices({ query }: ViewProps): JSX.Element {
  const [account, status, type, number, cursor] = ['account', 'status', 'type', 'number', 'cursor'].map((name) =>
    query.get(name),
  );
  const path = pathOf('/v1/invoices', cursor === null ? { account, status, type, number, limit: 50 } : { cursor });
  const asked = useAsk<{ invoices: readonly ListedInvoice[]; next: string | null }>(path);
  const choices = (family: string, of: readonly string[]) => [
    { value: '', text: say('filter.any') },
    ...of.map((value) => ({ value, text: sayCode(family, value) })),
  ];
  return (
    <>
      <Heading title={say('nav.invoices')}>{say('nav.invoices')}</Heading>
      <Filters>
        <Field name="account" label={say('account')} value={account ?? ''} />
        <Field name="number" label={say('invoice.number')} value={number ?? ''} pattern="[0-9]*" />
        <Field name="status" label={say('state')} value={status ?? ''} choices={choices('state', STATUSES)} />
        <Field name="type" label={say('kind')} value={type ?? ''} choices={choices('document', TYPES)} />
      </Filters>
      <Section title={say('nav.invoices')} query={path}>
        <Answer asked={asked}>
          {({ invoices, next }) => (
            <>
              <InvoiceTable rows={invoices} />
              <Pager next={next} cursor={cursor ?? null} />
            </>
          )}
        </Answer>
        <p class="muted">{say('invoice.zones')}</p>
      </Section>
    </>
  );
}

export function InvoiceTable({ rows }: { rows: readonly ListedInvoice[] }): JSX.Element {
  const zones = useZones();
  return (
    <Table
      caption={say('nav.invoices')}
      rows={rows}
      idOf={({ id }) => id}
      columns={[
        {
          title: say('invoice.document'),
          cell: ({ id, type, number, number_text }) => (
            <a href={to(`invoices/${encodeURIComponent(id)}`)}>
              {sayCode('document', type)} {number_text ?? number ?? say('invoice.unnumbered')}
            </a>
          ),
        },
        { title: say('account'), cell: ({ account }) => <a href={to(`accounts/${encodeURIComponent(account)}`)}>{account}</a> },
        {
          title: say('invoice.period'),
          cell: ({ from, to: until }) => {
            const zone = zoneOfPeriod(from, until, zones);
            return (
              <span class="figure">
                {day(from, zone)} – {day(Date.parse(until) - 1, zone)}
              </span>
            );
          },
        },
        { title: say('state'), cell: ({ status }) => <Badge family="state" code={status} /> },
        { title: say('invoice.total'), figure: true, cell: ({ total, currency }) => <Money of={total} currency={currency} /> },
      ]}
    />
  );
}
