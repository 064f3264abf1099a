/** A VM of the customer: its month minute by minute, its outages, its traffic by day. */
import type { JSX } from 'preact';
import { formatInstant, parseInstant } from '../../../src/domain/instant.ts';
import { MINUTE_MS } from '../../../src/domain/zone.ts';
import { useAgreed } from '../../shared/agreed.ts';
import { pathOf, step } from '../../shared/api.ts';
import { useAsk, useOnce } from '../../shared/ask.ts';
import { Minutes } from '../../shared/calendar/calendar.tsx';
import { monthAt, type Span, spanOfMonth, type UptimeRow } from '../../shared/calendar/month.ts';
import { hourOf, uptimePath, VmMonth } from '../../shared/calendar/vm-month.tsx';
import { day, instant, length } from '../../shared/format.ts';
import { go, to, withQuery } from '../../shared/router.ts';
import { Answer, Badge, Bytes, Heading, QueryLink, Section, Table, Time, ZoneNote } from '../../shared/ui.tsx';
import type { ViewProps } from '../../shared/view.tsx';
import { say } from '../../shared/words.ts';
import { useCustomer } from '../who.ts';
import { tell } from '../words.ts';

export function VmPage({ named, query }: ViewProps): JSX.Element {
  const vm = named['vm'] ?? '';
  const { account, isWhole } = useCustomer();
  const standing = useOnce<{ now: string }>(isWhole ? `/v1/accounts/${step(account)}/standing` : null);
  const nowMs = isWhole
    ? standing === undefined
      ? undefined
      : parseInstant(standing.now)
    : Math.floor(Date.now() / 60_000) * 60_000;
  const agreed = useAgreed(vm, nowMs ?? 0);
  if (agreed === undefined || nowMs === undefined)
    return (
      <>
        <Heading title={vm}>{vm}</Heading>
        <p role="status">{say('loading')}</p>
      </>
    );
  if (agreed === null)
    return (
      <>
        <Heading title={say('lost')}>{say('lost')}</Heading>
        <p>
          <a href={to('period')}>{tell('nav.period')}</a>
        </p>
      </>
    );
  const { zone, currency } = agreed;
  const wanted = query.get('month') ?? '';
  const month = spanOfMonth(zone, wanted) === undefined ? monthAt(zone, nowMs - 1) : wanted;
  const span = spanOfMonth(zone, month) ?? { fromMs: 0, toMs: 0 };
  return (
    <>
      <Heading title={vm}>{vm}</Heading>
      <Uptime vm={vm} zone={zone} currency={currency} month={month} span={span} query={query} />
      <Outages vm={vm} zone={zone} span={span} />
      <Days vm={vm} zone={zone} span={span} />
      <ZoneNote zone={zone} />
    </>
  );
}

const rangeOf = ({ fromMs, toMs }: Span): { from: string; to: string } => ({
  from: formatInstant(fromMs),
  to: formatInstant(toMs),
});

interface OfVm {
  readonly vm: string;
  readonly zone: string;
  readonly span: Span;
}

interface UptimeProps extends OfVm {
  readonly currency: string;
  readonly month: string;
  readonly query: URLSearchParams;
}

function Uptime({ vm, zone, currency, month, span, query }: UptimeProps): JSX.Element {
  const hourMs = parseInstant(query.get('hour') ?? '');
  const hour = hourMs === undefined ? undefined : hourOf(zone, hourMs);
  return (
    <VmMonth {...{ vm, zone, currency, month, span, hour }}>
      {hour === undefined ? null : (
        <Hour vm={vm} zone={zone} currency={currency} span={hour} minuteMs={parseInstant(query.get('minute') ?? '')} />
      )}
    </VmMonth>
  );
}

/** The minutes of an hour, and the question for the samples behind the one that is open. */
function Hour({ vm, zone, currency, span, minuteMs }: OfVm & { currency: string; minuteMs: number | undefined }): JSX.Element {
  const path = uptimePath(vm, span, 'minute', zone);
  const asked = useAsk<{ rows: readonly UptimeRow[] }>(path);
  const clockOf = (ms: number): string => instant(ms, zone).slice(11, 16);
  const date = day(span.fromMs, zone);
  const title = say('calendar.minutes', { date, clock: clockOf(span.fromMs) });
  const around = minuteMs === undefined ? undefined : { fromMs: minuteMs - 2 * MINUTE_MS, toMs: minuteMs + 3 * MINUTE_MS };
  return (
    <div>
      <h3>
        {title} <QueryLink path={path} of={title} />
      </h3>
      <Answer asked={asked}>
        {({ rows }) => (
          <Minutes
            key={span.fromMs}
            {...{ hour: span, date, clockOf, rows, currency }}
            openMs={minuteMs}
            onOpen={(ms) => {
              go(withQuery({ minute: formatInstant(ms) }));
            }}
          />
        )}
      </Answer>
      {minuteMs === undefined || around === undefined ? null : (
        <p>
          {say('samples.behind', { at: instant(minuteMs, zone) })}{' '}
          <QueryLink
            path={pathOf(`/v1/vms/${step(vm)}/samples`, { ...rangeOf(around), limit: 200 })}
            of={say('samples.behind', { at: instant(minuteMs, zone) })}
          />
        </p>
      )}
    </div>
  );
}

interface Outage {
  readonly start: string;
  readonly end: string | null;
  readonly cause: string;
  readonly duration_ms: number | null;
}

function Outages({ vm, zone, span }: OfVm): JSX.Element {
  const path = pathOf(`/v1/vms/${step(vm)}/outages`, { ...rangeOf(span), limit: 200 });
  const asked = useAsk<{ rows: readonly Outage[] }>(path);
  return (
    <Section title={tell('vm.outages')} query={path}>
      <Answer asked={asked}>
        {({ rows }) => (
          <Table
            caption={tell('vm.outages')}
            rows={rows}
            empty={tell('vm.outages.none')}
            idOf={({ start }) => start}
            columns={[
              { title: say('from'), cell: ({ start }) => <Time at={start} zone={zone} /> },
              { title: say('to'), cell: ({ end }) => (end === null ? say('open') : <Time at={end} zone={zone} />) },
              { title: say('lasted'), figure: true, cell: ({ duration_ms: ms }) => (ms === null ? '–' : length(ms)) },
              { title: say('cause'), cell: ({ cause }) => <Badge family="cause" code={cause} /> },
            ]}
          />
        )}
      </Answer>
    </Section>
  );
}

interface TrafficRow {
  readonly start: string;
  readonly rx_bytes: bigint | number;
  readonly tx_bytes: bigint | number;
}

function Days({ vm, zone, span }: OfVm): JSX.Element {
  const path = pathOf(`/v1/vms/${step(vm)}/traffic`, { ...rangeOf(span), step: 'day', tz: zone });
  const asked = useAsk<{ rows: readonly TrafficRow[] }>(path);
  return (
    <Section title={tell('vm.days')} query={path}>
      <Answer asked={asked}>
        {({ rows }) => (
          <Table
            caption={tell('vm.days')}
            rows={rows}
            idOf={({ start }) => start}
            columns={[
              { title: tell('day'), cell: ({ start }) => day(start, zone) },
              { title: tell('vm.in'), figure: true, cell: ({ rx_bytes }) => <Bytes of={rx_bytes} /> },
              { title: tell('vm.out'), figure: true, cell: ({ tx_bytes }) => <Bytes of={tx_bytes} /> },
            ]}
          />
        )}
      </Answer>
    </Section>
  );
}
