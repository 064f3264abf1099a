/** A VM: what is agreed, its month minute by minute down to the samples, its traffic, its outages. */
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { formatInstant, parseInstant } from '../../../src/domain/instant.ts';
import { MINUTE_MS } from '../../../src/domain/zone.ts';
import { type Agreed, useAgreed } from '../../shared/agreed.ts';
import { pathOf, step } from '../../shared/api.ts';
import { useAsk, useOnce } from '../../shared/ask.ts';
import { Minutes } from '../../shared/calendar/calendar.tsx';
import { monthAt, type Span, spanOfMonth, type UptimeRow } from '../../shared/calendar/month.ts';
import { hourOf, ROWS_MAX, uptimePath, VmMonth } from '../../shared/calendar/vm-month.tsx';
import type { Point } from '../../shared/chart.tsx';
import { instant, length, whole } from '../../shared/format.ts';
import { go, to, withQuery } from '../../shared/router.ts';
import { Answer, Badge, Bytes, Facts, Heading, Money, Section, Table, Time, ZoneNote } from '../../shared/ui.tsx';
import { say, sayCode } from '../../shared/words.ts';
import type { ViewProps } from '../views.ts';

export function VmPage({ named, query }: ViewProps): JSX.Element {
  const vm = named['vm'] ?? '';
  const status = useOnce<{ watermark: string | null }>('/v1/status');
  const atMs = parseInstant(query.get('at') ?? '') ?? undefined;
  const nowMs = status === undefined ? undefined : (parseInstant(status.watermark ?? '') ?? Date.now());
  const agreed = useAgreed(vm, atMs ?? nowMs ?? 0);
  return (
    <>
      <Heading title={vm}>
        {say('vm')} {vm}
      </Heading>
      {agreed === undefined || nowMs === undefined ? (
        <p role="status" data-loading>
          {say('loading')}
        </p>
      ) : (
        <VmViews vm={vm} agreed={agreed} query={query} nowMs={nowMs} atMs={atMs} />
      )}
    </>
  );
}

interface Props {
  readonly vm: string;
  readonly agreed: Agreed | null;
  readonly query: URLSearchParams;
  readonly nowMs: number;
  readonly atMs: number | undefined;
}

function VmViews({ vm, agreed, query, nowMs, atMs }: Props): JSX.Element {
  const zone = agreed?.zone ?? 'UTC';
  const currency = agreed?.currency ?? '';
  const wanted = query.get('month') ?? '';
  // the last minute that was counted may be the first of a month
  const name = spanOfMonth(zone, wanted) === undefined ? monthAt(zone, atMs ?? nowMs - 1) : wanted;
  return (
    <>
      <AgreedPanel vm={vm} agreed={agreed} />
      <Uptime vm={vm} zone={zone} currency={currency} month={name} query={query} atMs={atMs} />
      <Traffic vm={vm} zone={zone} month={name} by={query.get('traffic') === 'hour' ? 'hour' : 'day'} />
      <Outages vm={vm} zone={zone} month={name} />
      <ZoneNote zone={zone} />
    </>
  );
}

function AgreedPanel({ vm, agreed }: { vm: string; agreed: Agreed | null }): JSX.Element {
  if (agreed === null)
    return (
      <Section title={say('vm.agreed')}>
        <p class="notice">{say('vm.strange')}</p>
      </Section>
    );
  const { plan, zone, vm: body } = agreed;
  const terms = typeof body.terms === 'string' ? body.terms : (body.terms?.at(-1)?.sheet ?? plan?.terms ?? null);
  return (
    <Section title={say('vm.agreed')} query={`/v1/vms/${step(vm)}`}>
      <Facts
        of={[
          [say('account'), <a href={to(`accounts/${step(body.account)}`)}>{body.account}</a>],
          [say('plan'), plan === undefined ? '–' : (plan.title ?? plan.id)],
          [
            say('vm.price'),
            plan === undefined ? (
              '–'
            ) : (
              <>
                <Money of={plan.price.amount} currency={plan.currency} /> / {sayCode('per', plan.price.per)}
              </>
            ),
          ],
          [say('nav.terms'), terms === null ? '–' : <a href={to(`terms/${step(terms)}`)}>{terms}</a>],
          [say('vm.starts'), <Time at={body.starts_at} zone={zone} />],
          [say('vm.ends'), <Time at={body.ends_at} zone={zone} />],
          [say('vm.paid_until'), <Time at={body.paid_until} zone={zone} />],
          [say('refund.check'), <a href={to('refunds', { vm })}>{say('refund.of_vm')}</a>],
        ]}
      />
    </Section>
  );
}

interface UptimeProps {
  readonly vm: string;
  readonly zone: string;
  readonly currency: string;
  readonly month: string;
  readonly query: URLSearchParams;
  readonly atMs: number | undefined;
}

function Uptime({ vm, zone, currency, month, query, atMs }: UptimeProps): JSX.Element {
  const span = spanOfMonth(zone, month) ?? { fromMs: 0, toMs: 0 };
  const hourMs = parseInstant(query.get('hour') ?? '') ?? atMs;
  const hour = hourMs === undefined ? undefined : hourOf(zone, hourMs);
  const minuteMs = parseInstant(query.get('minute') ?? '') ?? atMs;
  return (
    <VmMonth {...{ vm, zone, currency, month, span, hour }}>
      {hour === undefined ? null : (
        <Hour
          vm={vm}
          zone={zone}
          currency={currency}
          hour={hour}
          minuteMs={minuteMs === undefined ? undefined : Math.floor(minuteMs / MINUTE_MS) * MINUTE_MS}
        />
      )}
    </VmMonth>
  );
}

interface HourProps {
  readonly vm: string;
  readonly zone: string;
  readonly currency: string;
  readonly hour: Span;
  readonly minuteMs: number | undefined;
}

function Hour({ vm, zone, currency, hour, minuteMs }: HourProps): JSX.Element {
  const path = uptimePath(vm, hour, 'minute', zone);
  const asked = useAsk<{ rows: readonly UptimeRow[] }>(path);
  const clockOf = (ms: number): string => instant(ms, zone).slice(11, 16);
  const date = instant(hour.fromMs, zone).slice(0, 10);
  const title = say('calendar.minutes', { date, clock: clockOf(hour.fromMs) });
  return (
    <div>
      <h3>
        {title}{' '}
        <a class="query" href={to('query', { path })} aria-label={say('query.of', { what: title })}>
          {say('query.link')}
        </a>
      </h3>
      <Answer asked={asked}>
        {({ rows }) => (
          <Minutes
            key={hour.fromMs}
            {...{ hour, date, clockOf, rows, currency }}
            openMs={minuteMs}
            onOpen={(ms) => {
              go(withQuery({ hour: formatInstant(hour.fromMs), minute: formatInstant(ms), at: null }));
            }}
          />
        )}
      </Answer>
      {minuteMs === undefined || minuteMs < hour.fromMs || minuteMs >= hour.toMs ? null : (
        <Samples vm={vm} zone={zone} minuteMs={minuteMs} />
      )}
    </div>
  );
}

export interface Sample {
  readonly ts: string;
  readonly nic: string;
  readonly host?: string;
  readonly rx_bytes?: bigint | number;
  readonly tx_bytes?: bigint | number;
  readonly state: string;
  readonly cause?: string;
  readonly agent: string;
  readonly pos: bigint | number;
}

/** Samples this long before a minute and after it decide on it, too. */
const AROUND_MS = 2 * MINUTE_MS;

function Samples({ vm, zone, minuteMs }: { vm: string; zone: string; minuteMs: number }): JSX.Element {
  const title = say('samples.behind', { at: instant(minuteMs, zone) });
  return (
    <SamplesOf
      vm={vm}
      zone={zone}
      title={title}
      fromMs={minuteMs - AROUND_MS}
      toMs={minuteMs + MINUTE_MS + AROUND_MS}
      empty={say('samples.none')}
    />
  );
}

interface SamplesProps {
  readonly vm: string;
  readonly zone: string;
  readonly title: string;
  readonly fromMs: number;
  readonly toMs: number;
  readonly empty: string;
}

export function SamplesOf({ vm, zone, title, fromMs, toMs, empty }: SamplesProps): JSX.Element {
  const path = pathOf(`/v1/vms/${step(vm)}/samples`, { from: formatInstant(fromMs), to: formatInstant(toMs), limit: 200 });
  const asked = useAsk<{ rows: readonly Sample[] }>(path);
  return (
    <div>
      <h3>
        {title}{' '}
        <a class="query" href={to('query', { path })} aria-label={say('query.of', { what: title })}>
          {say('query.link')}
        </a>
      </h3>
      <Answer asked={asked}>
        {({ rows }) => (
          <Table
            caption={title}
            rows={rows}
            empty={empty}
            idOf={({ ts, nic, pos }) => `${ts} ${nic} ${pos}`}
            columns={[
              { title: say('samples.ts'), cell: ({ ts }) => <Time at={ts} zone={zone} /> },
              { title: say('nic'), cell: ({ nic }) => (nic === '' ? '–' : nic) },
              {
                title: say('state'),
                cell: ({ state, cause }) => <Badge family="cause" code={state === 'down' ? (cause ?? 'provider') : state} />,
              },
              { title: 'rx_bytes', figure: true, cell: ({ rx_bytes }) => (rx_bytes === undefined ? '–' : whole(rx_bytes)) },
              { title: 'tx_bytes', figure: true, cell: ({ tx_bytes }) => (tx_bytes === undefined ? '–' : whole(tx_bytes)) },
              {
                title: say('agent'),
                cell: ({ agent, host }) => (host === undefined || host === '' ? agent : `${agent} (${host})`),
              },
              { title: say('samples.pos'), figure: true, cell: ({ pos }) => whole(pos) },
            ]}
          />
        )}
      </Answer>
    </div>
  );
}

interface TrafficRow {
  readonly start: string;
  readonly rx_bytes: bigint | number;
  readonly tx_bytes: bigint | number;
}

type ChartOf = (props: { points: readonly Point[]; zone: string; label: string }) => JSX.Element;

function Traffic({ vm, zone, month, by }: { vm: string; zone: string; month: string; by: 'hour' | 'day' }): JSX.Element {
  const span = spanOfMonth(zone, month) ?? { fromMs: 0, toMs: 0 };
  const path = pathOf(`/v1/vms/${step(vm)}/traffic`, {
    ...{ from: formatInstant(span.fromMs), to: formatInstant(span.toMs), step: by, tz: zone, limit: ROWS_MAX },
  });
  const asked = useAsk<{ rows: readonly TrafficRow[] }>(path);
  const [Chart, setChart] = useState<ChartOf>();
  const [points, setPoints] = useState<readonly Point[]>([]);
  useEffect(() => {
    void import('../../shared/chart.tsx').then((module) => {
      setChart(() => module.Chart);
    });
  }, []);
  useEffect(() => {
    setPoints(
      (asked.value?.rows ?? []).map(({ start, rx_bytes, tx_bytes }) => ({
        atMs: parseInstant(start) ?? 0,
        rx: BigInt(rx_bytes),
        tx: BigInt(tx_bytes),
      })),
    );
  }, [asked.value]);
  const title = say('traffic.title', { month });
  const sum = (of: 'rx' | 'tx'): bigint => points.reduce((all, point) => all + point[of], 0n);
  return (
    <Section title={title} query={path}>
      <nav class="row" aria-label={say('traffic.step')}>
        {(['day', 'hour'] as const).map((one) => (
          <a key={one} href={withQuery({ traffic: one, month })} aria-current={one === by ? 'true' : undefined}>
            {sayCode('step', one)}
          </a>
        ))}
      </nav>
      <Answer asked={asked}>
        {({ rows }) =>
          rows.length === 0 ? (
            <p class="muted">{say('traffic.none')}</p>
          ) : (
            <>
              <Facts
                of={[
                  [say('traffic.rx'), <Bytes of={sum('rx')} />],
                  [say('traffic.tx'), <Bytes of={sum('tx')} />],
                  [say('traffic.both'), <Bytes of={sum('rx') + sum('tx')} />],
                ]}
              />
              {Chart === undefined || points.length === 0 ? (
                <div class="chart" />
              ) : (
                <Chart points={points} zone={zone} label={say('traffic.chart', { month })} />
              )}
              <details>
                <summary>{say('traffic.table')}</summary>
                <Table
                  caption={title}
                  rows={rows}
                  idOf={({ start }) => start}
                  columns={[
                    { title: sayCode('step', by), cell: ({ start }) => <Time at={start} zone={zone} /> },
                    { title: say('traffic.rx'), figure: true, cell: ({ rx_bytes }) => `${whole(rx_bytes)} B` },
                    { title: say('traffic.tx'), figure: true, cell: ({ tx_bytes }) => `${whole(tx_bytes)} B` },
                  ]}
                />
              </details>
            </>
          )
        }
      </Answer>
    </Section>
  );
}

interface Outage {
  readonly start: string;
  readonly end: string | null;
  readonly cause: string;
  readonly duration_ms: number | null;
}

function Outages({ vm, zone, month }: { vm: string; zone: string; month: string }): JSX.Element {
  const span = spanOfMonth(zone, month) ?? { fromMs: 0, toMs: 0 };
  const path = pathOf(`/v1/vms/${step(vm)}/outages`, {
    from: formatInstant(span.fromMs),
    to: formatInstant(span.toMs),
    limit: 200,
  });
  const asked = useAsk<{ rows: readonly Outage[]; next: string | null }>(path);
  return (
    <Section title={say('vm.outages', { month })} query={path}>
      <p class="muted">{say('vm.reported')}</p>
      <Answer asked={asked}>
        {({ rows }) => (
          <Table
            caption={say('vm.outages', { month })}
            rows={rows}
            empty={say('outages.none')}
            idOf={({ start }) => start}
            columns={[
              {
                title: say('since'),
                cell: ({ start }) => (
                  <a href={to(`outages/${step(vm)}/${step(start)}`)}>
                    <Time at={start} zone={zone} />
                  </a>
                ),
              },
              { title: say('to'), cell: ({ end }) => (end === null ? say('open') : <Time at={end} zone={zone} />) },
              {
                title: say('lasted'),
                figure: true,
                cell: ({ duration_ms }) => (duration_ms === null ? '–' : length(duration_ms)),
              },
              { title: say('cause'), cell: ({ cause }) => <Badge family="cause" code={cause} /> },
            ]}
          />
        )}
      </Answer>
    </Section>
  );
}
