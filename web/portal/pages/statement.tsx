/** The statement of account: every entry, and the balance after it. */
import type { JSX } from 'preact';
import { pathOf, step } from '../../shared/api.ts';
import { useAsk } from '../../shared/ask.ts';
import { saveFile } from '../../shared/files.ts';
import { to } from '../../shared/router.ts';
import { Answer, Deed, Field, Filters, Heading, Money, Section, Table, Time, ZoneNote } from '../../shared/ui.tsx';
import type { ViewProps } from '../../shared/view.tsx';
import { say } from '../../shared/words.ts';
import { useCustomer } from '../who.ts';
import { tell } from '../words.ts';

interface Statement {
  readonly currency: string;
  readonly time_zone: string;
  readonly opening_balance: string;
  readonly closing_balance: string;
  readonly entries: readonly {
    readonly id: string;
    readonly at: string;
    readonly amount: string;
    readonly balance: string;
    readonly words: string;
    readonly document: { readonly id: string; readonly number: string | null } | null;
  }[];
}

export function StatementPage({ query }: ViewProps): JSX.Element {
  const { account } = useCustomer();
  const [from, until] = [query.get('from'), query.get('to')];
  const path = pathOf(`/v1/accounts/${step(account)}/statement`, { from, to: until });
  const asked = useAsk<Statement>(path);
  return (
    <>
      <Heading title={tell('statement.title')}>{tell('statement.title')}</Heading>
      <Filters>
        <Field name="from" type="date" label={say('from')} value={from ?? ''} />
        <Field name="to" type="date" label={say('to')} value={until ?? ''} />
      </Filters>
      <Section title={tell('statement.title')} query={path}>
        {(['pdf', 'csv'] as const).map((form) => (
          <Deed key={form} label={form.toUpperCase()} run={() => saveFile(path, form, `statement-${account}`)} />
        ))}
        <Answer asked={asked}>
          {({ entries, currency, time_zone: zone, opening_balance: opening, closing_balance: closing }) => (
            <>
              <p>
                {tell('statement.opening')}: <Money of={opening} currency={currency} />
              </p>
              <Table
                caption={tell('statement.title')}
                rows={entries.map((entry, i) => ({ ...entry, key: `${i} ${entry.id}` }))}
                idOf={({ key }) => key}
                columns={[
                  { title: say('since'), cell: ({ at }) => <Time at={at} zone={zone} /> },
                  {
                    title: tell('statement.what'),
                    cell: ({ words, document }) =>
                      document === null ? words : <a href={to(`documents/${step(document.id)}`)}>{words}</a>,
                  },
                  { title: say('amount'), figure: true, cell: ({ amount }) => <Money of={amount} currency={currency} /> },
                  {
                    title: tell('statement.balance'),
                    figure: true,
                    cell: ({ balance }) => <Money of={balance} currency={currency} />,
                  },
                ]}
              />
              <p>
                <strong>
                  {tell('statement.closing')}: <Money of={closing} currency={currency} />
                </strong>
              </p>
              <ZoneNote zone={zone} />
            </>
          )}
        </Answer>
      </Section>
    </>
  );
}
