/** An account: who it is, what it has and owes, its ledger, its VMs and invoices; payments are recorded here. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { useHouseZone } from '../../shared/agreed.ts';
import { ask, pathOf, step } from '../../shared/api.ts';
import { useAsk } from '../../shared/ask.ts';
import { whole } from '../../shared/format.ts';
import { to } from '../../shared/router.ts';
import { Answer, Badge, Facts, Field, Form, Heading, Money, Pager, Section, Table, Time, ZoneNote } from '../../shared/ui.tsx';
import { say, sayCode } from '../../shared/words.ts';
import { saveFile } from '../../shared/files.ts';
import type { ViewProps } from '../views.ts';
import type { ListedAccount } from './accounts.tsx';
import { type ListedVm, VmTable } from './fleet.tsx';
import { InvoiceTable, type ListedInvoice } from './invoices.tsx';

interface Balance {
  readonly balance: string;
  readonly currency: string;
  readonly state: string;
  readonly since: string | null;
}

interface Entry {
  readonly id: string;
  readonly kind: string;
  readonly at: string;
  readonly amount: string;
  readonly balance?: string;
  readonly belongs_to: {
    readonly invoice?: string;
    readonly number?: number;
    readonly credit_note?: string;
    readonly vm?: string;
    readonly day?: string;
  };
  readonly reference: string | null;
  readonly note: string;
}

export function AccountPage({ named, query }: ViewProps): JSX.Element {
  const id = named['account'] ?? '';
  const house = useHouseZone(id);
  const account = useAsk<ListedAccount>(`/v1/accounts/${step(id)}`);
  return (
    <>
      <Heading title={id}>
        {say('account')} {id}
      </Heading>
      <Answer asked={account}>
        {(value) => {
          const zone = value.time_zone ?? house;
          return (
            <>
              <Section title={say('account.who')} query={`/v1/accounts/${step(id)}`}>
                <Facts
                  of={[
                    [say('account.name'), value.name],
                    [say('account.currency'), value.currency],
                    [say('account.tax'), `${value.tax_percent} %`],
                    [say('language'), value.language],
                    [say('account.email'), value.email ?? '–'],
                    [say('account.statement'), <Statement id={id} />],
                  ]}
                />
              </Section>
              <Ledger id={id} currency={value.currency} zone={zone} cursor={query.get('cursor')} />
              <div class="columns">
                <Own id={id} zone={zone} what="invoices" />
                <Own id={id} zone={zone} what="vms" />
              </div>
              <ZoneNote zone={zone} />
            </>
          );
        }}
      </Answer>
    </>
  );
}

function Statement({ id }: { id: string }): JSX.Element {
  return (
    <>
      {(['html', 'pdf', 'csv'] as const).map((form) => (
        <button
          key={form}
          type="button"
          onClick={() => {
            void saveFile(`/v1/accounts/${step(id)}/statement`, form, `statement-${id}`);
          }}
        >
          {form.toUpperCase()}
        </button>
      ))}
    </>
  );
}

function Ledger({
  id,
  currency,
  zone,
  cursor,
}: {
  id: string;
  currency: string;
  zone: string;
  cursor: string | null;
}): JSX.Element {
  const balance = useAsk<Balance>(`/v1/accounts/${step(id)}/balance`);
  const path = pathOf(`/v1/accounts/${step(id)}/ledger`, cursor === null ? { limit: 50 } : { cursor });
  const ledger = useAsk<{ entries: readonly Entry[]; next: string | null }>(path);
  return (
    <Section title={say('account.ledger')} query={path}>
      <Answer asked={balance}>
        {(value) => (
          <Facts
            of={[
              [say('account.balance'), <Money of={value.balance} currency={value.currency} />],
              [say('state'), <Badge family="state" code={value.state} />],
              [say('since'), <Time at={value.since} zone={zone} />],
            ]}
          />
        )}
      </Answer>
      <Answer asked={ledger}>
        {({ entries, next }) => (
          <>
            <Table
              caption={say('account.ledger')}
              rows={entries}
              idOf={(entry) => entry.id}
              columns={[
                { title: say('account.at'), cell: ({ at }) => <Time at={at} zone={zone} /> },
                { title: say('kind'), cell: ({ kind }) => sayCode('entry', kind) },
                { title: say('account.for'), cell: (entry) => <Belongs entry={entry} /> },
                {
                  title: say('account.reference'),
                  cell: ({ reference, note }) => [reference ?? '', note].filter((one) => one !== '').join(' · '),
                },
                { title: say('amount'), figure: true, cell: ({ amount }) => <Money of={amount} currency={currency} /> },
                {
                  title: say('account.balance'),
                  figure: true,
                  cell: (entry) => (entry.balance === undefined ? '' : <Money of={entry.balance} currency={currency} />),
                },
              ]}
            />
            <Pager next={next} cursor={cursor} />
          </>
        )}
      </Answer>
      <Pay
        id={id}
        currency={currency}
        done={() => {
          balance.again();
          ledger.again();
        }}
      />
    </Section>
  );
}

function Belongs({ entry: { belongs_to: of } }: { entry: Entry }): JSX.Element {
  const document = of.credit_note ?? of.invoice;
  if (document !== undefined)
    return (
      <a href={to(`invoices/${step(document)}`)}>
        {sayCode('document', of.credit_note === undefined ? 'invoice' : 'credit_note')}{' '}
        {of.number === undefined ? '' : whole(of.number)}
      </a>
    );
  return <>{[of.day, of.vm].filter((one) => one !== undefined).join(' ')}</>;
}

function Pay({ id, currency, done }: { id: string; currency: string; done: () => void }): JSX.Element {
  const [said, setSaid] = useState('');
  return (
    <details>
      <summary>{say('pay')}</summary>
      <Form
        label={say('pay')}
        submit={say('pay')}
        run={async ({ reference = '', amount = '', at = '', note = '' }, form) => {
          // by its reference a payment is there once, however often it is sent
          const body = { reference, amount, at: at === '' ? new Date().toISOString() : at, ...(note === '' ? {} : { note }) };
          const { balance, is_new } = await ask<{ balance: string; is_new: boolean }>(`/v1/accounts/${step(id)}/payments`, {
            method: 'POST',
            body,
          });
          setSaid(say(is_new ? 'pay.done' : 'pay.known', { reference, balance: `${balance} ${currency}` }));
          form.reset();
          done();
        }}
      >
        <Field name="reference" label={say('account.reference')} required hint={say('pay.reference')} />
        <Field name="amount" label={`${say('amount')} (${currency})`} required pattern="[0-9]+([.][0-9]+)?" />
        <Field name="at" label={say('account.at')} hint={say('pay.at')} />
        <Field name="note" label={say('note')} />
      </Form>
      <p role="status">{said}</p>
    </details>
  );
}

function Own({ id, zone, what }: { id: string; zone: string; what: 'invoices' | 'vms' }): JSX.Element {
  const path = pathOf(`/v1/${what}`, { account: id, limit: 20 });
  const asked = useAsk<{ rows?: readonly ListedVm[]; invoices?: readonly ListedInvoice[] }>(path);
  const title = say(what === 'vms' ? 'nav.fleet' : 'nav.invoices');
  return (
    <Section title={title} query={path}>
      <Answer asked={asked}>
        {({ rows, invoices }) =>
          rows === undefined ? <InvoiceTable rows={invoices ?? []} /> : <VmTable rows={rows} zone={zone} />
        }
      </Answer>
      <p>
        <a href={to(what === 'vms' ? 'fleet' : 'invoices', { account: id })}>{say('all')}</a>
        {what === 'vms' ? null : (
          <>
            {' · '}
            <a href={to('preview', { account: id })}>{say('preview')}</a>
          </>
        )}
      </p>
    </Section>
  );
}
