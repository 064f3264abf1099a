/** A document line by line, each with its formula and the question that it is the answer of; a draft is made final here. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { useZones, zoneOfPeriod } from '../../shared/agreed.ts';
import { ask, pathOf, step } from '../../shared/api.ts';
import { useAsk } from '../../shared/ask.ts';
import { day } from '../../shared/format.ts';
import { to } from '../../shared/router.ts';
import {
  Answer,
  Badge,
  Deed,
  Facts,
  Field,
  Form,
  Heading,
  Money,
  QueryLink,
  Section,
  Table,
  ZoneNote,
} from '../../shared/ui.tsx';
import { say, sayCode } from '../../shared/words.ts';
import { saveFile } from '../../shared/files.ts';
import type { ViewProps } from '../views.ts';
import type { ListedInvoice } from './invoices.tsx';

interface Line {
  readonly id: string;
  readonly kind: string;
  readonly vm: string | null;
  readonly description: string;
  readonly quantity: string;
  readonly unit: string;
  readonly unit_price: string;
  readonly amount: string;
  readonly formula: string;
  readonly query: string | null;
}

interface Invoice extends ListedInvoice {
  readonly lines: readonly Line[];
  readonly outstanding?: string;
  readonly warnings?: readonly string[];
  readonly sha256: { readonly content: string; readonly evidence: string } | null;
}

export function InvoicePage({ named }: ViewProps): JSX.Element {
  const id = named['invoice'] ?? '';
  const path = `/v1/invoices/${step(id)}`;
  const asked = useAsk<Invoice>(path);
  const title = asked.value === undefined ? id : titleOf(asked.value);
  return (
    <>
      <Heading title={title}>{title}</Heading>
      <Answer asked={asked}>{(invoice) => <Shown invoice={invoice} path={path} again={asked.again} />}</Answer>
    </>
  );
}

const titleOf = ({ type, number, number_text }: Invoice): string =>
  `${sayCode('document', type)} ${number_text ?? number ?? say('invoice.unnumbered')}`;

function Shown({ invoice, path, again }: { invoice: Invoice; path: string; again: () => void }): JSX.Element {
  const zone = zoneOfPeriod(invoice.from, invoice.to, useZones());
  const { id, account, currency, status, from, to: until, total, outstanding, sha256, warnings = [] } = invoice;
  return (
    <>
      <Section title={say('invoice.facts')} query={path}>
        <Facts
          of={[
            [say('account'), <a href={to(`accounts/${step(account)}`)}>{account}</a>],
            [say('state'), <Badge family="state" code={status} />],
            [say('invoice.period'), `${day(from, zone)} – ${day(Date.parse(until) - 1, zone)}`],
            [say('invoice.total'), <Money of={total} currency={currency} />],
            [say('invoice.outstanding'), outstanding === undefined ? '–' : <Money of={outstanding} currency={currency} />],
          ]}
        />
        {warnings.map((warning) => (
          <p class="notice" lang="en" key={warning}>
            {warning}
          </p>
        ))}
        <div class="row">
          {status === 'preview'
            ? null
            : (['pdf', 'html', 'csv', 'json'] as const).map((form) => (
                <Deed
                  key={form}
                  label={form.toUpperCase()}
                  run={() => saveFile(path, form, `${invoice.type}-${invoice.number ?? id}`)}
                />
              ))}
          {status === 'draft' ? <Finalize id={id} again={again} /> : null}
        </div>
      </Section>
      <Lines invoice={invoice} />
      {sha256 === null ? null : (
        <Section title={say('invoice.proof')} query={pathOf(path, { part: 'evidence' })}>
          <p>{say('invoice.proof.how')}</p>
          <Facts
            of={[
              [say('invoice.content'), <code>{sha256.content}</code>],
              [say('invoice.evidence'), <code>{sha256.evidence}</code>],
            ]}
          />
          <pre tabIndex={0}>{`uptally verify --server ${location.origin} --key "$UPTALLY_KEY" --invoice ${id}`}</pre>
        </Section>
      )}
      <ZoneNote zone={zone} />
    </>
  );
}

function Finalize({ id, again }: { id: string; again: () => void }): JSX.Element {
  return (
    <Deed
      label={say('invoice.finalize')}
      kind="main"
      sure={say('invoice.finalize.sure')}
      run={async () => {
        await ask(`/v1/invoices/${step(id)}/finalize`, { method: 'POST' });
        again();
      }}
    />
  );
}

function Lines({ invoice: { lines, currency, total } }: { invoice: Invoice }): JSX.Element {
  return (
    <Section title={say('invoice.lines')}>
      <Table
        caption={say('invoice.lines')}
        rows={lines}
        idOf={({ id }) => id}
        columns={[
          {
            title: say('invoice.line'),
            cell: ({ description, formula }) => (
              <>
                {description}
                <br />
                <span class="muted">{formula}</span>
              </>
            ),
          },
          { title: say('kind'), cell: ({ kind }) => sayCode('line', kind) },
          { title: say('vm'), cell: ({ vm }) => (vm === null ? '' : <a href={to(`vms/${step(vm)}`)}>{vm}</a>) },
          { title: say('invoice.quantity'), figure: true, cell: ({ quantity, unit }) => `${quantity} ${unit}` },
          { title: say('vm.price'), figure: true, cell: ({ unit_price }) => unit_price },
          { title: say('amount'), figure: true, cell: ({ amount }) => <Money of={amount} currency={currency} /> },
          {
            title: say('invoice.why'),
            cell: ({ query, description }) => (query === null ? '' : <QueryLink path={query} of={description} />),
          },
        ]}
      />
      <p>
        <strong>
          {say('invoice.total')}: <Money of={total} currency={currency} />
        </strong>
      </p>
    </Section>
  );
}

/** What a period would cost an account now; nothing of it is kept, unless it is asked to be a draft. */
export function Preview({ query }: ViewProps): JSX.Element {
  const [invoice, setInvoice] = useState<Invoice>();
  const [mode, setMode] = useState<'preview' | 'draft'>('preview');
  return (
    <>
      <Heading title={say('preview')}>{say('preview')}</Heading>
      <Section title={say('preview')}>
        <Form
          label={say('preview')}
          submit={say('preview.rate')}
          run={async ({ account = '', from = '', to: until = '', mode: kind = 'preview' }) => {
            const wanted = kind === 'draft' ? 'draft' : 'preview';
            setMode(wanted);
            setInvoice(await ask<Invoice>('/v1/invoices', { method: 'POST', body: { account, from, to: until, mode: wanted } }));
          }}
        >
          <Field name="account" label={say('account')} value={query.get('account') ?? ''} required />
          <Field name="from" label={say('from')} hint={say('instant.how')} required />
          <Field name="to" label={say('to')} required />
          <Field
            name="mode"
            label={say('preview.mode')}
            choices={[
              { value: 'preview', text: sayCode('state', 'preview') },
              { value: 'draft', text: sayCode('state', 'draft') },
            ]}
          />
        </Form>
      </Section>
      {invoice === undefined ? null : (
        <div role="status">
          {mode === 'draft' ? <a href={to(`invoices/${step(invoice.id)}`)}>{titleOf(invoice)}</a> : null}
          <Lines invoice={invoice} />
        </div>
      )}
    </>
  );
}
