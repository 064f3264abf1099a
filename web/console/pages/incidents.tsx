/** Incidents: what restates causes. What one would change, and which invoices, is said before it is recorded. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { CAUSES } from '../../../src/domain/condition.ts';
import { useHouseZone } from '../../shared/agreed.ts';
import { ask, pathOf, step } from '../../shared/api.ts';
import { useAsk } from '../../shared/ask.ts';
import { whole } from '../../shared/format.ts';
import { to } from '../../shared/router.ts';
import { Answer, Badge, Deed, Facts, Field, Filters, Form, Heading, Section, Table, Time, ZoneNote } from '../../shared/ui.tsx';
import { say, sayCode } from '../../shared/words.ts';
import type { ViewProps } from '../views.ts';
import { Withdraw } from '../withdraw.tsx';

export interface Incident {
  readonly id: string;
  readonly scope: Readonly<Record<string, string | readonly string[] | true>>;
  readonly from: string;
  readonly to: string;
  readonly cause: string;
  readonly note: string;
  readonly by: string;
  readonly announced_at: string | null;
  readonly withdrawn_at: string | null;
}

const STATES = ['upcoming', 'running', 'past', 'withdrawn'] as const;

export function Incidents({ query }: ViewProps): JSX.Element {
  const zone = useHouseZone();
  const state = query.get('state');
  const path = pathOf('/v1/incidents', { state });
  const asked = useAsk<{ incidents: readonly Incident[] }>(path);
  return (
    <>
      <Heading title={say('nav.incidents')}>{say('nav.incidents')}</Heading>
      <Filters>
        <Field
          name="state"
          label={say('state')}
          value={state ?? ''}
          choices={[{ value: '', text: say('filter.any') }, ...STATES.map((value) => ({ value, text: sayCode('state', value) }))]}
        />
      </Filters>
      <Section title={say('nav.incidents')} query={path}>
        <Answer asked={asked}>{({ incidents }) => <IncidentTable rows={incidents} zone={zone} again={asked.again} />}</Answer>
        <ZoneNote zone={zone} />
      </Section>
      <Declare again={asked.again} />
    </>
  );
}

export function scopeWords(scope: Incident['scope']): string {
  return Object.entries(scope)
    .map(([kind, of]) => `${sayCode('scope', kind)} ${of === true ? '' : Array.isArray(of) ? of.join(', ') : String(of)}`)
    .join(' ');
}

export function IncidentTable({
  rows,
  zone,
  again,
}: {
  rows: readonly Incident[];
  zone: string;
  again: () => void;
}): JSX.Element {
  return (
    <Table
      caption={say('nav.incidents')}
      rows={rows}
      idOf={({ id }) => id}
      columns={[
        { title: say('from'), cell: ({ from }) => <Time at={from} zone={zone} /> },
        { title: say('to'), cell: ({ to: until }) => <Time at={until} zone={zone} /> },
        { title: say('cause'), cell: ({ cause }) => <Badge family="cause" code={cause} /> },
        { title: say('incident.scope'), cell: ({ scope }) => scopeWords(scope) },
        { title: say('note'), cell: ({ note }) => note },
        { title: say('by'), cell: ({ by }) => by },
        {
          title: say('state'),
          cell: ({ id, withdrawn_at: at }) => <Withdraw path={`/v1/incidents/${step(id)}`} withdrawnAt={at} onDone={again} />,
        },
      ]}
    />
  );
}

interface Effect {
  readonly effect: readonly { readonly vm: string; readonly minutes: number }[];
  readonly minutes: number;
  readonly final_invoices: readonly { readonly id: string; readonly number: number; readonly account: string }[];
  readonly unknown_vms?: readonly string[];
  readonly late_announcement?: readonly { readonly account: string; readonly terms: string }[];
}

/** A form's fields as the API takes them. */
function bodyOf({
  kind = '',
  names = '',
  from = '',
  to: until = '',
  cause = '',
  note = '',
  announced = '',
  down = '',
}: Record<string, string>): object {
  const list = names.split(/[\s,]+/).filter((name) => name !== '');
  const scope = kind === 'all' ? { all: true } : kind === 'vms' ? { vms: list } : { [kind]: list[0] ?? '' };
  return {
    scope,
    from,
    to: until,
    cause,
    note,
    asserts_down: down === 'on',
    ...(announced === '' ? {} : { announced_at: announced }),
  };
}

function Declare({ again }: { again: () => void }): JSX.Element {
  const [tried, setTried] = useState<{ body: object; effect: Effect; once: string }>();
  return (
    <Section title={say('incident.declare')}>
      <Form
        label={say('incident.declare')}
        submit={say('incident.try')}
        run={async (fields) => {
          const body = bodyOf(fields);
          const effect = await ask<Effect>(pathOf('/v1/incidents', { dry_run: true }), { method: 'POST', body });
          setTried({ body, effect, once: crypto.randomUUID() });
        }}
      >
        <Field
          name="kind"
          label={say('incident.scope')}
          choices={['vms', 'account', 'agent', 'all'].map((value) => ({ value, text: sayCode('scope', value) }))}
        />
        <Field name="names" label={say('incident.names')} hint={say('incident.names.how')} />
        <Field name="from" label={say('from')} required hint={say('instant.how')} />
        <Field name="to" label={say('to')} required />
        <Field
          name="cause"
          label={say('cause')}
          choices={CAUSES.map((value) => ({ value, text: sayCode('cause', value) }))}
          value="maintenance"
        />
        <Field name="announced" label={say('incident.announced')} />
        <Field name="down" label={say('incident.down')} type="checkbox" />
        <Field name="note" label={say('note')} />
      </Form>
      {tried === undefined ? null : (
        <div role="status" class="notice">
          <h3>{say('incident.would')}</h3>
          <EffectFacts effect={tried.effect} />
          <Deed
            label={say('incident.record')}
            kind="main"
            run={async () => {
              await ask('/v1/incidents', { method: 'POST', body: tried.body, once: tried.once });
              setTried(undefined);
              again();
            }}
          />
        </div>
      )}
    </Section>
  );
}

export function EffectFacts({ effect }: { effect: Effect }): JSX.Element {
  return (
    <Facts
      of={[
        [say('incident.minutes'), `${whole(effect.minutes)} min`],
        [
          say('incident.vms'),
          effect.effect
            .slice(0, 20)
            .map(({ vm, minutes }) => `${vm} (${minutes} min)`)
            .join(', ') + (effect.effect.length > 20 ? ' …' : ''),
        ],
        [
          say('incident.invoices'),
          effect.final_invoices.length === 0
            ? say('none')
            : effect.final_invoices.map(({ id, number, account }) => (
                <span key={id}>
                  <a href={to(`invoices/${step(id)}`)}>
                    {number} ({account})
                  </a>{' '}
                </span>
              )),
        ],
        [say('incident.unknown'), effect.unknown_vms?.join(', ') || '–'],
        [say('incident.late'), effect.late_announcement?.map(({ account, terms }) => `${account} (${terms})`).join(', ') || '–'],
      ]}
    />
  );
}
