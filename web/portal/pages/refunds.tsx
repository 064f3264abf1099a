/** Refund checks: those that were made, with what came of each; whoever has a key of their own makes one here. */
import type { JSX } from 'preact';
import { useHouseZone } from '../../shared/agreed.ts';
import { ask, pathOf, step } from '../../shared/api.ts';
import { useAsk } from '../../shared/ask.ts';
import { go, to } from '../../shared/router.ts';
import { Answer, Field, Form, Heading, Money, Pager, Section, Table, Time, ZoneNote } from '../../shared/ui.tsx';
import type { ViewProps } from '../../shared/view.tsx';
import { say } from '../../shared/words.ts';
import { useCustomer } from '../who.ts';
import { tell, tellCode } from '../words.ts';

/** Checks of a page. */
const CHECKS_OF_PAGE = 50;
/** As many VMs as can be chosen from. */
const VMS_MAX = 1000;

interface Listed {
  readonly id: string;
  readonly vm: string;
  readonly at: string;
  readonly decision: string;
  readonly amount: string | null;
  readonly currency: string;
  readonly granted: boolean;
}

export function Refunds({ query }: ViewProps): JSX.Element {
  const { account, readsOnly } = useCustomer();
  const vms = useAsk<{ rows: readonly { vm: string }[] }>(readsOnly ? null : pathOf('/v1/vms', { account, limit: VMS_MAX }));
  return (
    <>
      <Heading title={tell('refund.title')}>{tell('refund.title')}</Heading>
      <Section title={tell('refund.check')}>
        <p>{tell('refund.how')}</p>
        {readsOnly ? (
          <p class="notice">{tell('refund.readonly')}</p>
        ) : (
          <Answer asked={vms}>
            {({ rows }) => (
              <Form
                label={tell('refund.check')}
                submit={tell('refund.check')}
                run={async ({ vm = '' }) => {
                  const { id } = await ask<{ id: string }>('/v1/refund-checks', { method: 'POST', body: { vm } });
                  go(to(`refunds/${step(id)}`));
                }}
              >
                <Field name="vm" label={say('vm')} required choices={rows.map(({ vm }) => ({ value: vm, text: vm }))} />
              </Form>
            )}
          </Answer>
        )}
      </Section>
      <Checks cursor={query.get('cursor')} account={account} />
      <Section title={tell('refund.find')}>
        <Form
          label={tell('refund.find')}
          submit={tell('refund.show')}
          run={({ id = '' }) => {
            go(to(`refunds/${step(id.trim())}`));
            return Promise.resolve();
          }}
        >
          <Field name="id" label={tell('refund.id')} required />
        </Form>
      </Section>
    </>
  );
}

/** What was checked, with its course: page by page, in the order in which it was. */
function Checks({ cursor, account }: { cursor: string | null; account: string }): JSX.Element {
  const path = pathOf('/v1/refund-checks', cursor === null ? { account, limit: CHECKS_OF_PAGE } : { cursor });
  const asked = useAsk<{ rows: readonly Listed[]; next: string | null }>(path);
  const zone = useHouseZone();
  return (
    <Section title={tell('refund.made')} query={path}>
      <Answer asked={asked}>
        {({ rows, next }) =>
          rows.length === 0 && cursor === null ? (
            <p class="muted">{tell('refund.none')}</p>
          ) : (
            <>
              <Table
                caption={tell('refund.made')}
                rows={rows}
                idOf={({ id }) => id}
                columns={[
                  {
                    title: tell('refund.at'),
                    cell: ({ id, at }) => (
                      <a href={to(`refunds/${step(id)}`)}>
                        <Time at={at} zone={zone} />
                      </a>
                    ),
                  },
                  { title: say('vm'), cell: ({ vm }) => vm },
                  { title: tell('refund.decision'), cell: ({ decision }) => tellCode('refund', decision) },
                  {
                    title: tell('refund.amount'),
                    figure: true,
                    cell: ({ amount, currency }) => (amount === null ? '–' : <Money of={amount} currency={currency} />),
                  },
                  {
                    title: tell('refund.booked'),
                    cell: ({ granted }) => (granted ? tell('refund.pass') : tell('refund.booked.not')),
                  },
                ]}
              />
              <Pager next={next} cursor={cursor} />
              <ZoneNote zone={zone} />
            </>
          )
        }
      </Answer>
    </Section>
  );
}
