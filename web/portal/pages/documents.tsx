/** Invoices and credit notes of the customer, page by page. */
import type { JSX } from 'preact';
import { useZones, zoneOfPeriod } from '../../shared/agreed.ts';
import { pathOf, step } from '../../shared/api.ts';
import { useAsk } from '../../shared/ask.ts';
import { day } from '../../shared/format.ts';
import { to } from '../../shared/router.ts';
import { Answer, Badge, Heading, Money, Pager, Section, Table } from '../../shared/ui.tsx';
import type { ViewProps } from '../../shared/view.tsx';
import { say, sayCode } from '../../shared/words.ts';
import { useCustomer } from '../who.ts';
import { tell } from '../words.ts';

export interface Listed {
  readonly id: string;
  readonly type: string;
  readonly number: number | null;
  readonly number_text?: string | null;
  readonly status: string;
  readonly currency: string;
  readonly from: string;
  readonly to: string;
  readonly total: string;
}

export const titleOf = ({ type, number, number_text: text }: Pick<Listed, 'type' | 'number' | 'number_text'>): string =>
  `${sayCode('document', type)} ${text ?? number ?? say('invoice.unnumbered')}`;

/** The days of a period, in the zone in which it is whole days. */
export function daysOf({ from, to: until }: Pick<Listed, 'from' | 'to'>, zones: readonly string[]): string {
  const zone = zoneOfPeriod(from, until, zones);
  return `${day(from, zone)} – ${day(Date.parse(until) - 1, zone)} (${zone})`;
}

export function Documents({ query }: ViewProps): JSX.Element {
  const { account } = useCustomer();
  const zones = useZones();
  const cursor = query.get('cursor');
  const path = pathOf('/v1/invoices', cursor === null ? { account, limit: 50 } : { cursor });
  const asked = useAsk<{ invoices: readonly Listed[]; next: string | null }>(path);
  return (
    <>
      <Heading title={tell('nav.documents')}>{tell('nav.documents')}</Heading>
      <Section title={tell('nav.documents')} query={path}>
        <Answer asked={asked}>
          {({ invoices, next }) => (
            <>
              <Table
                caption={tell('nav.documents')}
                rows={invoices}
                idOf={({ id }) => id}
                columns={[
                  { title: say('invoice.document'), cell: (row) => <a href={to(`documents/${step(row.id)}`)}>{titleOf(row)}</a> },
                  { title: say('invoice.period'), cell: (row) => <span class="figure">{daysOf(row, zones)}</span> },
                  { title: say('state'), cell: ({ status }) => <Badge family="state" code={status} /> },
                  {
                    title: say('invoice.total'),
                    figure: true,
                    cell: ({ total, currency }) => <Money of={total} currency={currency} />,
                  },
                ]}
              />
              <Pager next={next} cursor={cursor} />
            </>
          )}
        </Answer>
      </Section>
    </>
  );
}
