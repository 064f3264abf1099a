/** Who is told of what happens, by webhook and by mail, and what became of each notice. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { useHouseZone } from '../../shared/agreed.ts';
import { ask, pathOf, step } from '../../shared/api.ts';
import { useAsk } from '../../shared/ask.ts';
import { Answer, Badge, Deed, Field, Filters, Heading, Pager, Section, Table, Time, ZoneNote } from '../../shared/ui.tsx';
import { say, sayCode } from '../../shared/words.ts';
import type { ViewProps } from '../views.ts';

interface Subscription {
  readonly id: string;
  readonly account: string | null;
  readonly types: readonly string[] | null;
  readonly active: boolean;
  readonly disabled: { readonly at: string; readonly why: string } | null;
  readonly url?: string;
  readonly to?: string;
}

interface Delivery {
  readonly subscription: string;
  readonly notice: string;
  readonly round: string | null;
  readonly type: string;
  readonly account: string | null;
  readonly state: string;
  readonly attempts: number;
  readonly at: string;
  readonly next_at: string | null;
  readonly status: number | null;
  readonly why: string;
}

const STATES = ['pending', 'failing', 'delivered', 'given_up', 'dropped'] as const;

export function Notices({ query }: ViewProps): JSX.Element {
  const zone = useHouseZone();
  const [state, subscription, account, cursor] = ['state', 'subscription', 'account', 'cursor'].map((name) => query.get(name));
  const path = pathOf('/v1/deliveries', cursor === null ? { state, subscription, account, limit: 50 } : { cursor });
  const asked = useAsk<{ rows: readonly Delivery[]; next: string | null }>(path);
  return (
    <>
      <Heading title={say('nav.notices')}>{say('nav.notices')}</Heading>
      <Told title={say('notice.webhooks')} path="/v1/webhooks" member="webhooks" />
      <Told title={say('notice.mails')} path="/v1/subscriptions" member="subscriptions" />
      <Filters>
        <Field
          name="state"
          label={say('state')}
          value={state ?? ''}
          choices={[
            { value: '', text: say('filter.any') },
            ...STATES.map((value) => ({ value, text: sayCode('delivery', value) })),
          ]}
        />
        <Field name="subscription" label={say('notice.subscription')} value={subscription ?? ''} />
        <Field name="account" label={say('account')} value={account ?? ''} />
      </Filters>
      <Section title={say('notice.deliveries')} query={path}>
        <Answer asked={asked}>
          {({ rows, next }) => (
            <>
              <Table
                caption={say('notice.deliveries')}
                rows={rows}
                empty={say('notice.none')}
                idOf={(row) => `${row.notice} ${row.subscription} ${row.round ?? ''}`}
                columns={[
                  { title: say('notice.type'), cell: ({ type }) => <code>{type}</code> },
                  { title: say('account'), cell: (row) => row.account ?? '–' },
                  { title: say('state'), cell: (row) => <Badge family="delivery" code={row.state} /> },
                  { title: say('notice.attempts'), figure: true, cell: ({ attempts }) => attempts },
                  {
                    title: say('notice.why'),
                    cell: ({ status, why }) => (
                      <span lang="en">{[status ?? '', why].filter((part) => part !== '').join(' ')}</span>
                    ),
                  },
                  { title: say('notice.last'), cell: ({ at }) => <Time at={at} zone={zone} /> },
                  { title: say('notice.next'), cell: ({ next_at: at }) => <Time at={at} zone={zone} /> },
                  { title: say('notice.subscription'), cell: (row) => row.subscription },
                ]}
              />
              <Pager next={next} cursor={cursor ?? null} />
            </>
          )}
        </Answer>
        <ZoneNote zone={zone} />
      </Section>
    </>
  );
}

interface ToldProps {
  readonly title: string;
  readonly path: string;
  /** The member of the answer that is the list. */
  readonly member: string;
}

/** Those who are told by one way, each with a notice to try it by. */
function Told({ title, path, member }: ToldProps): JSX.Element {
  const asked = useAsk<Readonly<Record<string, readonly Subscription[]>>>(path);
  const [tried, setTried] = useState('');
  return (
    <Section title={title} query={path}>
      <Answer asked={asked}>
        {(answer) => (
          <Table
            caption={title}
            rows={answer[member] ?? []}
            empty={say('notice.nobody')}
            idOf={({ id }) => id}
            columns={[
              { title: say('notice.to'), cell: ({ url, to }) => url ?? to ?? '' },
              { title: say('account'), cell: (row) => row.account ?? say('notice.staff') },
              { title: say('notice.types'), cell: ({ types }) => types?.join(', ') ?? say('filter.any') },
              {
                title: say('state'),
                cell: ({ active, disabled }) =>
                  disabled === null ? (
                    sayCode('told', active ? 'active' : 'paused')
                  ) : (
                    <>
                      {sayCode('told', 'disabled')}: <span lang="en">{disabled.why}</span>
                    </>
                  ),
              },
              {
                title: say('notice.try'),
                cell: ({ id }) => (
                  <Deed
                    label={say('notice.try')}
                    run={async () => {
                      await ask(`${path}/${step(id)}/test`, { method: 'POST', once: crypto.randomUUID() });
                      setTried(id);
                    }}
                  />
                ),
              },
            ]}
          />
        )}
      </Answer>
      <p role="status">{tried === '' ? '' : say('notice.tried', { id: tried })}</p>
    </Section>
  );
}
