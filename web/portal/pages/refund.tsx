/** A refund check: what was decided, clause by clause, and whether it was booked. */
import type { JSX } from 'preact';
import { useHouseZone } from '../../shared/agreed.ts';
import { step } from '../../shared/api.ts';
import { useAsk } from '../../shared/ask.ts';
import { saveFile } from '../../shared/files.ts';
import { to } from '../../shared/router.ts';
import { Answer, Deed, Facts, Heading, Money, Section, Table, Time, ZoneNote } from '../../shared/ui.tsx';
import type { ViewProps } from '../../shared/view.tsx';
import { say } from '../../shared/words.ts';
import { useCustomer } from '../who.ts';
import { tell, tellCode } from '../words.ts';
import type { Balance } from './payments.tsx';

interface Check {
  readonly id: string;
  readonly vm: string;
  readonly at: string;
  readonly terms: string;
  readonly terms_version: number;
  readonly decision: string;
  readonly amount: string | null;
  readonly currency: string;
  readonly reason: string;
  readonly clauses: readonly {
    readonly id: string;
    readonly clause: string;
    readonly outcome: string;
    readonly measured: string;
    readonly limit: string;
  }[];
}

export function RefundPage({ named }: ViewProps): JSX.Element {
  const zone = useHouseZone();
  const path = `/v1/refund-checks/${step(named['id'] ?? '')}`;
  const asked = useAsk<Check>(path);
  const title = asked.value === undefined ? tell('refund.title') : tell('refund.of', { vm: asked.value.vm });
  return (
    <>
      <Heading title={title}>{title}</Heading>
      <Answer asked={asked}>{(check) => <Shown check={check} path={path} zone={zone} />}</Answer>
      <p>
        <a href={to('refunds')}>{tell('nav.refunds')}</a>
      </p>
    </>
  );
}

function Shown({ check, path, zone }: { check: Check; path: string; zone: string }): JSX.Element {
  const { id, at, terms, terms_version: version, decision, amount, currency, reason, clauses } = check;
  return (
    <>
      <Section title={tell('refund.decision')} query={path}>
        <Facts
          of={[
            [tell('refund.decision'), tellCode('refund', decision)],
            [tell('refund.amount'), amount === null ? '–' : <Money of={amount} currency={currency} />],
            [tell('refund.booked'), <Booked check={id} zone={zone} />],
            [tell('refund.at'), <Time at={at} zone={zone} />],
            [tell('refund.terms'), `${terms} (${version})`],
            [tell('refund.id'), <code>{id}</code>],
          ]}
        />
        <p>
          {tell('refund.reason')}: <span lang="en">{reason}</span>
        </p>
        <Deed label={`${tell('refund.letter')} (PDF)`} run={() => saveFile(path, 'pdf', `refund-${id}`)} />
      </Section>
      <Section title={tell('refund.rules')}>
        <Table
          caption={tell('refund.rules')}
          rows={clauses}
          idOf={({ id: rule }) => rule}
          columns={[
            { title: tell('refund.rule'), cell: ({ id: rule }) => rule },
            { title: tell('refund.clause'), cell: ({ clause }) => clause },
            { title: tell('refund.measured'), cell: ({ measured }) => <span lang="en">{measured}</span> },
            { title: tell('refund.limit'), cell: ({ limit }) => <span lang="en">{limit}</span> },
            { title: tell('refund.outcome'), cell: ({ outcome }) => tellCode('refund', outcome) },
          ]}
        />
      </Section>
      <ZoneNote zone={zone} />
    </>
  );
}

/** When the refund of a check was booked, by the entries of the account. */
function Booked({ check, zone }: { check: string; zone: string }): JSX.Element {
  const { account, isWhole } = useCustomer();
  const asked = useAsk<Balance>(isWhole ? `/v1/accounts/${step(account)}/balance` : null);
  const entry = asked.value?.entries.find(({ refund_check: of }) => of === check);
  if (entry === undefined)
    return <span class="muted">{asked.value === undefined ? say('none') : tell('refund.booked.not')}</span>;
  return <Time at={entry.at} zone={zone} />;
}
