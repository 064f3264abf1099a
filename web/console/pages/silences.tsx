/** Silences: who fell silent together, what is at stake, and what it was, once somebody knows. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { CAUSES } from '../../../src/domain/condition.ts';
import { formatInstant, parseInstant } from '../../../src/domain/instant.ts';
import { useHouseZone } from '../../shared/agreed.ts';
import { ask, pathOf, step } from '../../shared/api.ts';
import { useAsk, useOnce } from '../../shared/ask.ts';
import { length, whole } from '../../shared/format.ts';
import { to } from '../../shared/router.ts';
import {
  Answer,
  Badge,
  Deed,
  Facts,
  Field,
  Filters,
  Form,
  Heading,
  Money,
  Pager,
  Section,
  Table,
  Time,
  ZoneNote,
} from '../../shared/ui.tsx';
import { say, sayCode } from '../../shared/words.ts';
import type { ViewProps } from '../views.ts';
import { Withdraw } from '../withdraw.tsx';
import { EffectFacts } from './incidents.tsx';
import { type Silence, SilenceTable } from './now.tsx';

/** How far back the list reaches: a quarter, as silences are decided before invoices. */
const BACK_MS = 92 * 86_400_000;

export function Silences({ query }: ViewProps): JSX.Element {
  const zone = useHouseZone();
  const status = useOnce<{ watermark: string | null }>('/v1/status');
  const [state, agent, cursor] = ['state', 'agent', 'cursor'].map((name) => query.get(name));
  const nowMs = parseInstant(status?.watermark ?? '') ?? Date.now();
  const range = { from: formatInstant(nowMs - BACK_MS), to: formatInstant(nowMs) };
  const path =
    status === undefined ? null : pathOf('/v1/silences', cursor === null ? { ...range, state, agent, limit: 50 } : { cursor });
  const asked = useAsk<{ rows: readonly Silence[]; next: string | null }>(path);
  return (
    <>
      <Heading title={say('nav.silences')}>{say('nav.silences')}</Heading>
      <Filters>
        <Field
          name="state"
          label={say('state')}
          value={state ?? ''}
          choices={[
            { value: '', text: say('filter.any') },
            ...['open', 'decided'].map((value) => ({ value, text: sayCode('state', value) })),
          ]}
        />
        <Field name="agent" label={say('agent')} value={agent ?? ''} />
      </Filters>
      <Section title={say('nav.silences')} {...(path === null ? {} : { query: path })}>
        <Answer asked={asked}>
          {({ rows, next }) => (
            <>
              <SilenceTable rows={rows} zone={zone} empty={say('none')} />
              <Pager next={next} cursor={cursor ?? null} />
            </>
          )}
        </Answer>
        <ZoneNote zone={zone} />
      </Section>
    </>
  );
}

interface Decision {
  readonly id: string;
  readonly decision: string;
  readonly note: string;
  readonly vms: number;
  readonly by: string;
  readonly recorded_at: string;
  readonly withdrawn_at: string | null;
}

interface Detail extends Silence {
  readonly silences: readonly {
    readonly vm: string;
    readonly account: string | null;
    readonly start: string;
    readonly end: string | null;
  }[];
  readonly at_stake: readonly { readonly account: string; readonly currency: string; readonly amount: string }[];
  readonly decisions: readonly Decision[];
}

export function SilencePage({ named }: ViewProps): JSX.Element {
  const zone = useHouseZone();
  const path = `/v1/silences/${step(named['silence'] ?? '')}`;
  const asked = useAsk<Detail>(path);
  const title = say('silence.title');
  return (
    <>
      <Heading title={title}>{title}</Heading>
      <Answer asked={asked}>
        {(silence) => (
          <>
            <Section title={silence.agent ?? say('now.no_agent')} query={path}>
              <Facts
                of={[
                  [say('since'), <Time at={silence.from} zone={zone} />],
                  [say('to'), silence.to === null ? say('open') : <Time at={silence.to} zone={zone} />],
                  [say('state'), <Badge family="state" code={silence.state} />],
                  [say('silence.open'), length(silence.open_ms)],
                  [
                    say('silence.stake'),
                    silence.at_stake.length === 0
                      ? '–'
                      : silence.at_stake.map(({ account, amount, currency }) => (
                          <div key={account}>
                            <a href={to(`accounts/${step(account)}`)}>{account}</a> <Money of={amount} currency={currency} />
                          </div>
                        )),
                  ],
                ]}
              />
              <Table
                caption={say('silence.vms')}
                rows={silence.silences}
                idOf={({ vm, start }) => `${vm} ${start}`}
                columns={[
                  { title: say('vm'), cell: ({ vm, start }) => <a href={to(`vms/${step(vm)}`, { at: start })}>{vm}</a> },
                  { title: say('since'), cell: ({ start }) => <Time at={start} zone={zone} /> },
                  { title: say('to'), cell: ({ end }) => (end === null ? say('open') : <Time at={end} zone={zone} />) },
                  { title: say('account'), cell: ({ account }) => account ?? '–' },
                ]}
              />
            </Section>
            <Decisions path={path} rows={silence.decisions} zone={zone} again={asked.again} />
            <Decide path={path} again={asked.again} />
            <ZoneNote zone={zone} />
          </>
        )}
      </Answer>
    </>
  );
}

interface DecisionsProps {
  readonly path: string;
  readonly rows: readonly Decision[];
  readonly zone: string;
  readonly again: () => void;
}

function Decisions({ path, rows, zone, again }: DecisionsProps): JSX.Element {
  return (
    <Section title={say('silence.decisions')}>
      <Table
        caption={say('silence.decisions')}
        rows={rows}
        idOf={({ id }) => id}
        columns={[
          { title: say('recorded'), cell: ({ recorded_at }) => <Time at={recorded_at} zone={zone} /> },
          { title: say('cause'), cell: ({ decision }) => sayCode('cause', decision) },
          { title: say('silence.vms'), figure: true, cell: ({ vms }) => whole(vms) },
          { title: say('note'), cell: ({ note }) => note },
          { title: say('by'), cell: ({ by }) => by },
          {
            title: say('state'),
            cell: ({ id, withdrawn_at: at }) => (
              <Withdraw path={`${path}/decision/${step(id)}`} withdrawnAt={at} onDone={again} />
            ),
          },
        ]}
      />
    </Section>
  );
}

interface Effect {
  readonly effect: readonly { readonly vm: string; readonly minutes: number }[];
  readonly minutes: number;
  readonly final_invoices: readonly { readonly id: string; readonly number: number; readonly account: string }[];
}

function Decide({ path, again }: { path: string; again: () => void }): JSX.Element {
  const [tried, setTried] = useState<{ body: object; effect: Effect; once: string }>();
  return (
    <Section title={say('silence.decide')}>
      <Form
        label={say('silence.decide')}
        submit={say('incident.try')}
        run={async ({ decision = '', note = '', vms = '' }) => {
          const some = vms.split(/[\s,]+/).filter((vm) => vm !== '');
          const body = { decision, note, ...(some.length === 0 ? {} : { vms: some }) };
          const effect = await ask<Effect>(pathOf(`${path}/decision`, { dry_run: true }), { method: 'POST', body });
          setTried({ body, effect, once: crypto.randomUUID() });
        }}
      >
        <Field
          name="decision"
          label={say('silence.was')}
          choices={[...CAUSES, 'ignored'].map((value) => ({ value, text: sayCode('cause', value) }))}
        />
        <Field name="vms" label={say('silence.some')} hint={say('silence.some.how')} />
        <Field name="note" label={say('note')} required />
      </Form>
      {tried === undefined ? null : (
        <div role="status" class="notice">
          <h3>{say('incident.would')}</h3>
          <EffectFacts effect={tried.effect} />
          <Deed
            label={say('incident.record')}
            kind="main"
            run={async () => {
              await ask(`${path}/decision`, { method: 'POST', body: tried.body, once: tried.once });
              setTried(undefined);
              again();
            }}
          />
        </div>
      )}
    </Section>
  );
}
