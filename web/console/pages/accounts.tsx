/** All accounts, page by page. */
import type { JSX } from 'preact';
import { pathOf } from '../../shared/api.ts';
import { useAsk } from '../../shared/ask.ts';
import { to } from '../../shared/router.ts';
import { Answer, Field, Filters, Heading, Pager, Section, Table } from '../../shared/ui.tsx';
import { say, sayCode } from '../../shared/words.ts';
import type { ViewProps } from '../views.ts';
import { STATES } from './fleet.tsx';

export interface ListedAccount {
  readonly id: string;
  readonly name: string;
  readonly currency: string;
  readonly language: string;
  readonly tax_percent: string;
  readonly time_zone?: string;
  readonly email?: string;
  readonly address?: string;
  readonly settlement?: string;
}

export function Accounts({ query }: ViewProps): JSX.Element {
  const [q, plan, state, cursor] = ['q', 'plan', 'state', 'cursor'].map((name) => query.get(name));
  const path = pathOf('/v1/accounts', cursor === null ? { q, plan, state, limit: 50 } : { cursor });
  const asked = useAsk<{ rows: readonly ListedAccount[]; next: string | null }>(path);
  return (
    <>
      <Heading title={say('nav.accounts')}>{say('nav.accounts')}</Heading>
      <Filters>
        <Field name="q" label={say('filter.q')} type="search" value={q ?? ''} />
        <Field name="plan" label={say('plan')} value={plan ?? ''} />
        <Field
          name="state"
          label={say('state')}
          value={state ?? ''}
          choices={[
            { value: '', text: say('filter.any') },
            ...STATES.map((one) => ({ value: one, text: sayCode('state', one) })),
          ]}
        />
      </Filters>
      <Section title={say('nav.accounts')} query={path}>
        <Answer asked={asked}>
          {({ rows, next }) => (
            <>
              <AccountTable rows={rows} />
              <Pager next={next} cursor={cursor ?? null} />
            </>
          )}
        </Answer>
      </Section>
    </>
  );
}

export function AccountTable({ rows }: { rows: readonly ListedAccount[] }): JSX.Element {
  return (
    <Table
      caption={say('nav.accounts')}
      rows={rows}
      idOf={({ id }) => id}
      columns={[
        { title: say('account'), cell: ({ id }) => <a href={to(`accounts/${encodeURIComponent(id)}`)}>{id}</a> },
        { title: say('account.name'), cell: ({ name }) => name },
        { title: say('account.currency'), cell: ({ currency }) => currency },
        { title: say('account.tax'), figure: true, cell: ({ tax_percent }) => `${tax_percent} %` },
        { title: say('language'), cell: ({ language }) => language },
      ]}
    />
  );
}
