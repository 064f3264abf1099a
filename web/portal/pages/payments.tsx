/** What is to be paid, by when, what follows if it is not, and what was paid. */
import type { JSX } from 'preact';
import { parseInstant } from '../../../src/domain/instant.ts';
import { useHouseZone } from '../../shared/agreed.ts';
import { pathOf, step } from '../../shared/api.ts';
import { useAsk } from '../../shared/ask.ts';
import { to, withQuery } from '../../shared/router.ts';
import { Answer, Badge, Facts, Heading, Money, Section, Table, Time, ZoneNote } from '../../shared/ui.tsx';
import type { ViewProps } from '../../shared/view.tsx';
import { say, sayCode } from '../../shared/words.ts';
import { useCustomer } from '../who.ts';
import { tell } from '../words.ts';

interface Entry {
  readonly id: string;
  readonly kind: string;
  readonly at: string;
  readonly amount: string;
  readonly balance: string;
  readonly source: string;
  readonly invoice: string | null;
  readonly day: { readonly date: string } | null;
}

export interface Balance {
  readonly currency: string;
  readonly balance: string;
  readonly state: string;
  readonly unpaid: readonly { readonly entry: string; readonly due_at: string; readonly amount: string }[];
  readonly entries: readonly (Entry & { readonly refund_check: string | null })[];
  readonly before: string | null;
}

interface Standing {
  readonly now: string;
  readonly state: string;
  readonly ahead: readonly { readonly kind: string; readonly vm: string | null; readonly at: string; readonly clause: string }[];
}

export function Payments({ query }: ViewProps): JSX.Element {
  const { account } = useCustomer();
  const zone = useHouseZone();
  const standingPath = `/v1/accounts/${step(account)}/standing`;
  const path = pathOf(`/v1/accounts/${step(account)}/balance`, { before: query.get('before') });
  const standing = useAsk<Standing>(standingPath);
  const asked = useAsk<Balance>(path);
  return (
    <>
      <Heading title={tell('payments.title')}>{tell('payments.title')}</Heading>
      <Answer asked={asked}>
        {(balance) => (
          <>
            <Due balance={balance} zone={zone} path={path} nowMs={parseInstant(standing.value?.now ?? '')} />
            <Entries balance={balance} zone={zone} path={path} />
          </>
        )}
      </Answer>
      <Answer asked={standing}>
        {({ ahead }) =>
          ahead.length === 0 ? null : (
            <Section title={tell('payments.ahead')} query={standingPath}>
              <Table
                caption={tell('payments.ahead')}
                rows={ahead}
                idOf={({ kind, vm, at }) => `${kind} ${vm ?? ''} ${at}`}
                columns={[
                  { title: tell('payments.when'), cell: ({ at }) => <Time at={at} zone={zone} /> },
                  { title: tell('payments.what'), cell: ({ kind }) => sayCode('consequence', kind) },
                  { title: say('vm'), cell: ({ vm }) => vm ?? '–' },
                  { title: tell('refund.clause'), cell: ({ clause }) => clause },
                ]}
              />
            </Section>
          )
        }
      </Answer>
      <ZoneNote zone={zone} />
    </>
  );
}

interface PartProps {
  readonly balance: Balance;
  readonly zone: string;
  readonly path: string;
}

function Due({ balance, zone, path, nowMs }: PartProps & { nowMs: number | undefined }): JSX.Element {
  const { currency, state, unpaid, entries } = balance;
  const byId = new Map(entries.map((entry) => [entry.id, entry]));
  return (
    <Section title={tell('payments.due')} query={path}>
      <Facts
        of={[
          [tell('period.balance'), <Money of={balance.balance} currency={currency} />],
          [say('state'), <Badge family="state" code={state} />],
        ]}
      />
      <Table
        caption={tell('payments.due')}
        rows={unpaid}
        empty={tell('payments.due.none')}
        idOf={({ entry }) => entry}
        columns={[
          {
            title: tell('payments.what'),
            cell: ({ entry }) => {
              const date = byId.get(entry)?.day?.date;
              if (date !== undefined) return tell('payments.day', { day: date });
              return <a href={to(`documents/${step(byId.get(entry)?.invoice ?? entry)}`)}>{sayCode('document', 'invoice')}</a>;
            },
          },
          {
            title: tell('payments.when'),
            cell: ({ due_at: due }) => (
              <>
                <Time at={due} zone={zone} />{' '}
                {nowMs !== undefined && (parseInstant(due) ?? nowMs) < nowMs ? (
                  <span class="badge bad">{tell('payments.late')}</span>
                ) : null}
              </>
            ),
          },
          { title: say('amount'), figure: true, cell: ({ amount }) => <Money of={amount} currency={currency} /> },
        ]}
      />
    </Section>
  );
}

function Entries({ balance: { entries, currency, before }, zone, path }: PartProps): JSX.Element {
  return (
    <Section title={tell('payments.entries')} query={path}>
      <Table
        caption={tell('payments.entries')}
        rows={entries.slice(0, 200)}
        idOf={({ id, kind }) => `${id} ${kind}`}
        columns={[
          { title: say('since'), cell: ({ at }) => <Time at={at} zone={zone} /> },
          { title: say('kind'), cell: ({ kind }) => sayCode('entry', kind) },
          { title: say('amount'), figure: true, cell: ({ amount }) => <Money of={amount} currency={currency} /> },
          { title: tell('statement.balance'), figure: true, cell: ({ balance }) => <Money of={balance} currency={currency} /> },
        ]}
      />
      {before === null ? null : <a href={withQuery({ before })}>{say('pager.next')}</a>}
    </Section>
  );
}
