/** Money at risk now: who is down and what each minute of it costs, who is silent, what was put aside, what waits for somebody. */
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { MINUTE_MS } from '../../../src/domain/zone.ts';
import { formatInstant, parseInstant } from '../../../src/domain/instant.ts';
import { type Agreed, agreedOf, useHouseZone } from '../../shared/agreed.ts';
import { ask, pathOf, step } from '../../shared/api.ts';
import { useAsk } from '../../shared/ask.ts';
import { length, whole } from '../../shared/format.ts';
import { to } from '../../shared/router.ts';
import { Answer, Badge, Bytes, Heading, Nanos, Section, Table, Time, ZoneNote } from '../../shared/ui.tsx';
import { say, sayCode } from '../../shared/words.ts';

interface Status {
  readonly watermark: string | null;
  readonly vms: number;
  readonly samples: { readonly accepted: bigint | number; readonly quarantined: bigint | number };
}

export interface FleetOutage {
  readonly vm: string;
  readonly account: string | null;
  readonly agent?: string | null;
  readonly start: string;
  readonly end: string | null;
  readonly cause: string;
  readonly duration_ms: number | null;
}

/** How many of the outages that last are shown with their credit, which is asked for one by one. */
const OPEN_SHOWN = 30;
/** The oldest start of an outage whose credit is added up here: as many minutes as one answer holds. */
const MINUTES_MAX = 10_000;
const WEEK_MS = 7 * 86_400_000;

export function Now(): JSX.Element {
  const zone = useHouseZone();
  const status = useAsk<Status>('/v1/status');
  return (
    <>
      <Heading title={say('now.title')}>{say('now.title')}</Heading>
      <Answer asked={status}>
        {(value) => {
          const atMs = value.watermark === null ? undefined : parseInstant(value.watermark);
          return (
            <>
              <p class="muted">{value.watermark === null ? say('now.nothing') : <AsOf at={value.watermark} zone={zone} />}</p>
              <ul class="tiles">
                <li>
                  {say('now.vms')}
                  <strong>{whole(value.vms)}</strong>
                </li>
                <li>
                  {say('now.samples')}
                  <strong>{whole(value.samples.accepted)}</strong>
                </li>
                <li>
                  {say('now.quarantined')}
                  <strong>{whole(value.samples.quarantined)}</strong>
                </li>
              </ul>
              {atMs === undefined ? null : <Open atMs={Math.floor(atMs / MINUTE_MS) * MINUTE_MS} zone={zone} />}
              <div class="columns">
                {atMs === undefined ? null : <Silences atMs={atMs} zone={zone} />}
                {atMs === undefined ? null : <Quarantined atMs={atMs} zone={zone} />}
              </div>
              <Findings zone={zone} />
              <Jobs zone={zone} />
            </>
          );
        }}
      </Answer>
      <ZoneNote zone={zone} />
    </>
  );
}

/** "Counted up to {at} ({zone})." with the instant as one. */
function AsOf({ at, zone }: { at: string; zone: string }): JSX.Element {
  const [before = '', after = ''] = say('now.as_of', { at: '\u0000', zone }).split('\u0000');
  return (
    <>
      {before}
      <Time at={at} zone={zone} />
      {after}
    </>
  );
}

interface Accruing {
  readonly agreed: Agreed | undefined;
  /** Of the last whole minute, and since it began (undefined: longer ago than is added up here). */
  readonly minute: bigint;
  readonly total: bigint | undefined;
}

async function accruingOf({ vm, start }: FleetOutage, atMs: number): Promise<Accruing> {
  const agreed = await agreedOf(vm, atMs);
  const startMs = Math.floor((parseInstant(start) ?? atMs) / MINUTE_MS) * MINUTE_MS;
  const fromMs = Math.max(startMs, atMs - MINUTES_MAX * MINUTE_MS);
  const { rows } = await ask<{ rows: readonly { start: string; credit_nanos: bigint | number }[] }>(creditPath(vm, fromMs, atMs));
  const total = rows.reduce((sum, row) => sum + BigInt(row.credit_nanos), 0n);
  const last = rows.at(-1);
  return { agreed, minute: BigInt(last?.credit_nanos ?? 0), total: fromMs > startMs ? undefined : total };
}

function byAgent(rows: readonly FleetOutage[]): Map<string, FleetOutage[]> {
  const groups = new Map<string, FleetOutage[]>();
  for (const row of rows) groups.set(row.agent ?? '', [...(groups.get(row.agent ?? '') ?? []), row]);
  return groups;
}

const creditPath = (vm: string, fromMs: number, toMs: number): string =>
  pathOf(`/v1/vms/${step(vm)}/uptime`, {
    from: formatInstant(fromMs),
    to: formatInstant(toMs),
    step: 'minute',
    limit: MINUTES_MAX,
  });

function Open({ atMs, zone }: { atMs: number; zone: string }): JSX.Element {
  const path = pathOf('/v1/outages', {
    ...{ from: formatInstant(atMs - MINUTE_MS), to: formatInstant(atMs), with: 'agent', limit: 200 },
  });
  const asked = useAsk<{ rows: readonly FleetOutage[]; next: string | null }>(path);
  return (
    <Section title={say('now.open')} query={path}>
      <Answer asked={asked}>
        {({ rows }) => {
          const open = rows.filter(({ end }) => end === null);
          if (open.length === 0) return <p class="muted">{say('now.open.none')}</p>;
          const groups = byAgent(open.slice(0, OPEN_SHOWN));
          return (
            <>
              {[...groups].map(([agent, some]) => (
                <OpenOf key={agent} agent={agent} rows={some} atMs={atMs} zone={zone} />
              ))}
              {open.length > OPEN_SHOWN ? <p class="muted">{say('now.open.first', { count: OPEN_SHOWN })}</p> : null}
            </>
          );
        }}
      </Answer>
    </Section>
  );
}

function OpenOf({
  agent,
  rows,
  atMs,
  zone,
}: {
  agent: string;
  rows: readonly FleetOutage[];
  atMs: number;
  zone: string;
}): JSX.Element {
  const [accruing, setAccruing] = useState<ReadonlyMap<string, Accruing>>(new Map());
  useEffect(() => {
    let wanted = true;
    for (const row of rows)
      accruingOf(row, atMs).then(
        (one) => {
          if (wanted) setAccruing((before) => new Map(before).set(row.vm, one));
        },
        () => undefined,
      );
    return () => {
      wanted = false;
    };
  }, [rows.map(({ vm }) => vm).join(' '), atMs]);
  const title = agent === '' ? say('now.no_agent') : say('now.by_agent', { agent });
  return (
    <>
      <h3>{title}</h3>
      <Table
        caption={`${say('now.open')}: ${title}`}
        rows={rows}
        idOf={({ vm }) => vm}
        columns={[
          { title: say('vm'), cell: ({ vm }) => <a href={to(`vms/${encodeURIComponent(vm)}`)}>{vm}</a> },
          {
            title: say('account'),
            cell: ({ account }) =>
              account === null ? '–' : <a href={to(`accounts/${encodeURIComponent(account)}`)}>{account}</a>,
          },
          { title: say('cause'), cell: ({ cause }) => <Badge family="cause" code={cause} /> },
          { title: say('since'), cell: ({ start }) => <Time at={start} zone={zone} /> },
          { title: say('lasted'), figure: true, cell: ({ start }) => length(atMs - (parseInstant(start) ?? atMs)) },
          { title: say('now.minute'), figure: true, cell: ({ vm }) => <Credit of={accruing.get(vm)} what="minute" /> },
          {
            title: say('now.credit'),
            figure: true,
            cell: ({ vm, start }) => (
              <>
                <Credit of={accruing.get(vm)} what="total" />{' '}
                <a
                  class="query"
                  aria-label={say('query.of', { what: `${say('now.credit')}, ${vm}` })}
                  href={to('query', {
                    path: creditPath(vm, Math.floor((parseInstant(start) ?? atMs) / MINUTE_MS) * MINUTE_MS, atMs),
                  })}
                >
                  {say('query.link')}
                </a>
              </>
            ),
          },
        ]}
      />
    </>
  );
}

function Credit({ of, what }: { of: Accruing | undefined; what: 'minute' | 'total' }): JSX.Element {
  const nanos = of?.[what];
  return nanos === undefined || of === undefined ? <>–</> : <Nanos of={nanos} currency={of.agreed?.currency ?? ''} />;
}

export interface Silence {
  readonly id: string;
  readonly agent: string | null;
  readonly from: string;
  readonly to: string | null;
  readonly vms: number;
  readonly state: string;
  readonly accounts: readonly string[];
  readonly open_ms: number;
  readonly silent_ms: number;
}

function Silences({ atMs, zone }: { atMs: number; zone: string }): JSX.Element {
  const path = pathOf('/v1/silences', {
    from: formatInstant(atMs - 5 * WEEK_MS),
    to: formatInstant(atMs),
    state: 'open',
    limit: 10,
  });
  const asked = useAsk<{ rows: readonly Silence[]; next: string | null }>(path);
  return (
    <Section title={say('now.silences')} query={path}>
      <Answer asked={asked}>{({ rows }) => <SilenceTable rows={rows} zone={zone} empty={say('now.silences.none')} />}</Answer>
    </Section>
  );
}

export function SilenceTable({ rows, zone, empty }: { rows: readonly Silence[]; zone: string; empty: string }): JSX.Element {
  return (
    <Table
      caption={say('nav.silences')}
      empty={empty}
      rows={rows}
      idOf={({ id }) => id}
      columns={[
        {
          title: say('since'),
          cell: ({ id, from }) => (
            <a href={to(`silences/${encodeURIComponent(id)}`)}>
              <Time at={from} zone={zone} />
            </a>
          ),
        },
        { title: say('agent'), cell: ({ agent }) => agent ?? '–' },
        { title: say('silence.vms'), figure: true, cell: ({ vms }) => whole(vms) },
        { title: say('silence.open'), figure: true, cell: ({ open_ms }) => length(open_ms) },
        { title: say('state'), cell: ({ state }) => <Badge family="state" code={state} /> },
      ]}
    />
  );
}

interface Reading {
  readonly rx_bytes?: bigint | number;
  readonly tx_bytes?: bigint | number;
}
interface Anomaly {
  readonly kind: string;
  readonly vm: string;
  readonly nic: string;
  readonly ts: string;
  readonly a: Reading | null;
  readonly b: Reading;
}

/** By how much both counters of the second sample are above those of the first. */
function increaseOf({ a, b }: Anomaly): bigint {
  const of = (name: 'rx_bytes' | 'tx_bytes'): bigint => {
    const more = BigInt(b[name] ?? 0) - BigInt(a?.[name] ?? 0);
    return more > 0n ? more : 0n;
  };
  return of('rx_bytes') + of('tx_bytes');
}

function Quarantined({ atMs, zone }: { atMs: number; zone: string }): JSX.Element {
  const path = pathOf('/v1/anomalies', { from: formatInstant(atMs - WEEK_MS), to: formatInstant(atMs), limit: 100 });
  const asked = useAsk<{ rows: readonly Anomaly[]; next: string | null }>(path);
  return (
    <Section title={say('now.bytes')} query={path}>
      <Answer asked={asked}>
        {({ rows }) => (
          <Table
            caption={say('now.bytes')}
            empty={say('now.bytes.none')}
            rows={rows.filter(({ kind }) => kind === 'quarantined')}
            idOf={({ vm, nic, ts }) => `${vm} ${nic} ${ts}`}
            columns={[
              { title: say('vm'), cell: ({ vm, ts }) => <a href={to(`vms/${encodeURIComponent(vm)}`, { at: ts })}>{vm}</a> },
              { title: say('nic'), cell: ({ nic }) => nic },
              { title: say('since'), cell: ({ ts }) => <Time at={ts} zone={zone} /> },
              { title: say('amount'), figure: true, cell: (row) => <Bytes of={increaseOf(row)} /> },
            ]}
          />
        )}
      </Answer>
    </Section>
  );
}

interface Finding {
  readonly kind: string;
  readonly vm: string | null;
  readonly account: string | null;
  readonly since: string | null;
  readonly words: string;
  readonly what_to_do: string;
}

function Findings({ zone }: { zone: string }): JSX.Element {
  const path = pathOf('/v1/findings', { limit: 20 });
  const asked = useAsk<{ rows: readonly Finding[]; next: string | null }>(path);
  return (
    <Section title={say('now.findings')} query={path}>
      <Answer asked={asked}>
        {({ rows }) => (
          <Table
            caption={say('now.findings')}
            empty={say('now.findings.none')}
            rows={rows}
            idOf={({ kind, vm, account, since }) => [kind, vm, account, since].join(' ')}
            columns={[
              { title: say('finding.what'), cell: ({ kind }) => sayCode('finding', kind) },
              {
                title: say('vm'),
                cell: ({ vm }) => (vm === null ? '–' : <a href={to(`vms/${encodeURIComponent(vm)}`)}>{vm}</a>),
              },
              { title: say('since'), cell: ({ since }) => <Time at={since} zone={zone} /> },
              {
                title: say('now.what'),
                cell: ({ words, what_to_do }) => (
                  <span lang="en">
                    {words} <span class="muted">{what_to_do}</span>
                  </span>
                ),
              },
            ]}
          />
        )}
      </Answer>
    </Section>
  );
}

export interface Job {
  readonly name: string;
  readonly does: string;
  readonly late_ms: number;
  readonly done_at: string | null;
  readonly next: readonly { readonly zone: string; readonly slot: string; readonly due_at: string }[];
}

function Jobs({ zone }: { zone: string }): JSX.Element {
  const asked = useAsk<{ on: boolean; jobs: readonly Job[] }>('/v1/scheduler/jobs');
  return (
    <Section title={say('now.runs')} query="/v1/scheduler/jobs">
      <Answer asked={asked}>
        {({ on, jobs }) => (
          <>
            {on ? null : <p class="notice">{say('now.off')}</p>}
            <JobTable jobs={jobs} zone={zone} />
          </>
        )}
      </Answer>
    </Section>
  );
}

export function JobTable({ jobs, zone }: { jobs: readonly Job[]; zone: string }): JSX.Element {
  return (
    <Table
      caption={say('run.job')}
      rows={jobs}
      idOf={({ name }) => name}
      columns={[
        { title: say('run.job'), cell: ({ name }) => <a href={to('scheduler', { job: name })}>{sayCode('job', name)}</a> },
        { title: say('run.due'), cell: ({ next }) => <Time at={next[0]?.due_at} zone={zone} /> },
        { title: say('run.slot'), cell: ({ next }) => next[0]?.slot ?? '–' },
        { title: say('run.done'), cell: ({ done_at }) => <Time at={done_at} zone={zone} /> },
        {
          title: say('state'),
          cell: ({ late_ms }) =>
            late_ms > 0 ? <span class="badge bad">{say('run.late', { time: length(late_ms) })}</span> : sayCode('state', 'ok'),
        },
      ]}
    />
  );
}
