/** Refund checks: what a VM's terms say is due, ground by ground and bar by bar; what is due can be granted. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { useAgreed } from '../../shared/agreed.ts';
import { ask, step } from '../../shared/api.ts';
import { useAsk } from '../../shared/ask.ts';
import { whole } from '../../shared/format.ts';
import { go, to } from '../../shared/router.ts';
import { Answer, Badge, Deed, Facts, Field, Form, Heading, Money, Section, Table, Time, ZoneNote } from '../../shared/ui.tsx';
import { say, sayCode } from '../../shared/words.ts';
import type { ViewProps } from '../views.ts';

interface Clause {
  readonly id: string;
  readonly kind: string;
  readonly clause: string;
  readonly outcome: string;
  readonly measured: string;
  readonly limit: string;
}

interface Check {
  readonly id: string;
  readonly vm: string;
  readonly at: string;
  readonly terms: string;
  readonly terms_version: number;
  readonly what_if: boolean;
  readonly decision: string;
  readonly ground: string | null;
  readonly amount: string | null;
  readonly currency: string;
  readonly destination: string;
  readonly destination_clause: string;
  readonly reason: string;
  readonly clauses: readonly Clause[];
  readonly evidence: { readonly from: string; readonly to: string; readonly samples: bigint | number };
}

export function Refunds({ query }: ViewProps): JSX.Element {
  return (
    <>
      <Heading title={say('nav.refunds')}>{say('nav.refunds')}</Heading>
      <Section title={say('refund.ask')}>
        <Form
          label={say('refund.ask')}
          submit={say('refund.ask')}
          run={async ({ vm = '', at = '', terms = '' }) => {
            const body = { vm, ...(at === '' ? {} : { at }), ...(terms === '' ? {} : { terms }) };
            const { id } = await ask<Check>('/v1/refund-checks', { method: 'POST', body, once: crypto.randomUUID() });
            go(to(`refunds/${step(id)}`));
          }}
        >
          <Field name="vm" label={say('vm')} value={query.get('vm') ?? ''} required />
          <Field name="at" label={say('account.at')} hint={say('instant.how')} />
          <Field name="terms" label={say('refund.terms')} hint={say('refund.terms.how')} />
        </Form>
      </Section>
    </>
  );
}

export function RefundPage({ named }: ViewProps): JSX.Element {
  const path = `/v1/refund-checks/${step(named['check'] ?? '')}`;
  const asked = useAsk<Check>(path);
  return (
    <>
      <Heading title={say('refund.title')}>{say('refund.title')}</Heading>
      <Answer asked={asked}>{(check) => <Shown check={check} path={path} />}</Answer>
    </>
  );
}

function Shown({ check, path }: { check: Check; path: string }): JSX.Element {
  const zone = useAgreed(check.vm, Date.parse(check.at))?.zone ?? 'UTC';
  const [granted, setGranted] = useState<{ balance: string }>();
  return (
    <>
      <Section title={say('refund.answer')} query={path}>
        <Facts
          of={[
            [say('vm'), <a href={to(`vms/${step(check.vm)}`)}>{check.vm}</a>],
            [say('account.at'), <Time at={check.at} zone={zone} />],
            [say('nav.terms'), <a href={to(`terms/${step(check.terms)}`)}>{`${check.terms} ${check.terms_version}`}</a>],
            [say('refund.decision'), <Badge family="decision" code={check.decision} />],
            [say('amount'), check.amount === null ? '–' : <Money of={check.amount} currency={check.currency} />],
            [say('refund.destination'), sayCode('destination', check.destination)],
            [say('refund.samples'), whole(check.evidence.samples)],
          ]}
        />
        <p lang="en">{check.reason}</p>
        {check.decision === 'eligible' && !check.what_if ? (
          <Deed
            label={say('refund.grant')}
            kind="main"
            sure={say('refund.grant.sure')}
            run={async () => {
              setGranted(await ask<{ balance: string }>(`${path}/grant`, { method: 'POST' }));
            }}
          />
        ) : null}
        <p role="status">
          {granted === undefined ? '' : say('refund.granted', { balance: `${granted.balance} ${check.currency}` })}
        </p>
      </Section>
      <Section title={say('refund.clauses')}>
        <Table
          caption={say('refund.clauses')}
          rows={check.clauses}
          idOf={({ id, kind }) => `${kind} ${id}`}
          columns={[
            { title: say('outage.clause'), cell: ({ clause }) => clause },
            { title: say('kind'), cell: ({ kind }) => sayCode('clause', kind) },
            { title: say('run.outcome'), cell: ({ outcome }) => <Badge family="outcome" code={outcome} /> },
            { title: say('refund.measured'), cell: ({ measured }) => <span lang="en">{measured}</span> },
            { title: say('refund.limit'), cell: ({ limit }) => <span lang="en">{limit}</span> },
          ]}
        />
        <ZoneNote zone={zone} />
      </Section>
    </>
  );
}
