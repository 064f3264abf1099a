/** All VMs that were metered or are agreed, page by page. */
import type { JSX } from 'preact';
import { planAt, useHouseZone, type Vm } from '../../shared/agreed.ts';
import { pathOf } from '../../shared/api.ts';
import { useAsk } from '../../shared/ask.ts';
import { whole } from '../../shared/format.ts';
import { to } from '../../shared/router.ts';
import { Answer, Field, Filters, Heading, Pager, Section, Table, Time, ZoneNote } from '../../shared/ui.tsx';
import { say, sayCode } from '../../shared/words.ts';
import type { ViewProps } from '../views.ts';

export interface ListedVm {
  readonly vm: string;
  readonly first_sample: string | null;
  readonly last_sample: string | null;
  readonly samples: bigint | number;
  readonly agreed: Vm | null;
}

export const STATES = ['active', 'suspended', 'ended'] as const;

export function Fleet({ query }: ViewProps): JSX.Element {
  const zone = useHouseZone();
  const [q, account, plan, state, cursor] = ['q', 'account', 'plan', 'state', 'cursor'].map((name) => query.get(name));
  const path = pathOf('/v1/vms', cursor === null ? { q, account, plan, state, limit: 50 } : { cursor });
  const asked = useAsk<{ rows: readonly ListedVm[]; next: string | null }>(path);
  return (
    <>
      <Heading title={say('fleet.title')}>{say('fleet.title')}</Heading>
      <Filters>
        <Field name="q" label={say('filter.q')} type="search" value={q ?? ''} />
        <Field name="account" label={say('account')} value={account ?? ''} />
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
      <Section title={say('fleet.title')} query={path}>
        <Answer asked={asked}>
          {({ rows, next }) => (
            <>
              <VmTable rows={rows} zone={zone} />
              <Pager next={next} cursor={cursor ?? null} />
            </>
          )}
        </Answer>
        <ZoneNote zone={zone} />
      </Section>
    </>
  );
}

export function VmTable({ rows, zone }: { rows: readonly ListedVm[]; zone: string }): JSX.Element {
  return (
    <Table
      caption={say('fleet.title')}
      rows={rows}
      idOf={({ vm }) => vm}
      columns={[
        {
          title: say('vm'),
          cell: ({ vm, agreed }) => (
            <>
              <a href={to(`vms/${encodeURIComponent(vm)}`)}>{vm}</a>
              {agreed?.title === undefined ? null : <span class="muted"> {agreed.title}</span>}
            </>
          ),
        },
        {
          title: say('account'),
          cell: ({ agreed }) =>
            agreed === null ? (
              <span class="muted">{say('fleet.unpriced')}</span>
            ) : (
              <a href={to(`accounts/${encodeURIComponent(agreed.account)}`)}>{agreed.account}</a>
            ),
        },
        {
          title: say('plan'),
          cell: ({ agreed, last_sample }) =>
            agreed === null ? '–' : (planAt(agreed, last_sample === null ? Date.now() : Date.parse(last_sample)) ?? '–'),
        },
        { title: say('fleet.first'), cell: ({ first_sample }) => <Time at={first_sample} zone={zone} /> },
        { title: say('fleet.last'), cell: ({ last_sample }) => <Time at={last_sample} zone={zone} /> },
        { title: say('samples'), figure: true, cell: ({ samples }) => whole(samples) },
      ]}
    />
  );
}
