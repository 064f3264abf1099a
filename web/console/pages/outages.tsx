/** Outages of the fleet, and of one of them why: what was reported, what an incident made of it, which clause counts it, what it costs. */
import type { JSX } from 'preact';
import { formatInstant, parseInstant } from '../../../src/domain/instant.ts';
import { CAUSES } from '../../../src/domain/condition.ts';
import { MINUTE_MS } from '../../../src/domain/zone.ts';
import { useAgreed, useHouseZone } from '../../shared/agreed.ts';
import { pathOf, step } from '../../shared/api.ts';
import { useAsk, useOnce } from '../../shared/ask.ts';
import { causesOf, monthAt, spanOfMonth, sumOf, type UptimeRow } from '../../shared/calendar/month.ts';
import { instant, length, whole } from '../../shared/format.ts';
import { to } from '../../shared/router.ts';
import {
  Answer,
  Badge,
  Facts,
  Field,
  Filters,
  Heading,
  Nanos,
  Pager,
  QueryLink,
  Section,
  Table,
  Time,
  ZoneNote,
} from '../../shared/ui.tsx';
import { say, sayCode } from '../../shared/words.ts';
import type { ViewProps } from '../views.ts';
import { type Incident, IncidentTable } from './incidents.tsx';
import type { FleetOutage } from './now.tsx';
import { SamplesOf } from './vm.tsx';

export function Outages({ query }: ViewProps): JSX.Element {
  const zone = useHouseZone();
  const status = useOnce<{ watermark: string | null }>('/v1/status');
  const [cause, agent, account, cursor] = ['cause', 'agent', 'account', 'cursor'].map((name) => query.get(name));
  const newest = monthAt(zone, (parseInstant(status?.watermark ?? '') ?? Date.now()) - 1);
  const month = spanOfMonth(zone, query.get('month') ?? '') === undefined ? newest : (query.get('month') ?? newest);
  const span = spanOfMonth(zone, month);
  const path =
    status === undefined || span === undefined
      ? null
      : pathOf(
          '/v1/outages',
          cursor === null
            ? { from: formatInstant(span.fromMs), to: formatInstant(span.toMs), cause, agent, account, with: 'agent', limit: 50 }
            : { cursor },
        );
  const asked = useAsk<{ rows: readonly FleetOutage[]; next: string | null }>(path);
  return (
    <>
      <Heading title={say('nav.outages')}>{say('nav.outages')}</Heading>
      <Filters key={month}>
        <Field name="month" label={say('calendar.month')} value={month} pattern="[0-9]{4}-[0-9]{2}" />
        <Field
          name="cause"
          label={say('cause')}
          value={cause ?? ''}
          choices={[
            { value: '', text: say('filter.any') },
            ...[...CAUSES, 'silent'].map((value) => ({ value, text: sayCode('cause', value) })),
          ]}
        />
        <Field name="agent" label={say('agent')} value={agent ?? ''} />
        <Field name="account" label={say('account')} value={account ?? ''} />
      </Filters>
      <Section title={say('nav.outages')} {...(path === null ? {} : { query: path })}>
        <Answer asked={asked}>
          {({ rows, next }) => (
            <>
              <Table
                caption={say('nav.outages')}
                rows={rows}
                empty={say('outages.none')}
                idOf={({ vm, start }) => `${vm} ${start}`}
                columns={[
                  { title: say('vm'), cell: ({ vm }) => <a href={to(`vms/${step(vm)}`)}>{vm}</a> },
                  {
                    title: say('since'),
                    cell: ({ vm, start }) => (
                      <a href={to(`outages/${step(vm)}/${step(start)}`)}>
                        <Time at={start} zone={zone} />
                      </a>
                    ),
                  },
                  {
                    title: say('lasted'),
                    figure: true,
                    cell: ({ duration_ms }) => (duration_ms === null ? say('open') : length(duration_ms)),
                  },
                  { title: say('cause'), cell: ({ cause: one }) => <Badge family="cause" code={one} /> },
                  { title: say('agent'), cell: ({ agent: one }) => one ?? '–' },
                  {
                    title: say('account'),
                    cell: ({ account: one }) => (one === null ? '–' : <a href={to(`accounts/${step(one)}`)}>{one}</a>),
                  },
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

/** Minutes of one answer. */
const MINUTES_MAX = 10_000;
const AROUND_MS = 3 * MINUTE_MS;

export function OutagePage({ named }: ViewProps): JSX.Element {
  const vm = named['vm'] ?? '';
  const start = named['start'] ?? '';
  const startMs = parseInstant(start) ?? 0;
  const agreed = useAgreed(vm, startMs);
  const zone = agreed?.zone ?? 'UTC';
  const path = pathOf(`/v1/vms/${step(vm)}/outages`, { from: formatInstant(startMs), to: formatInstant(startMs + MINUTE_MS) });
  const asked = useAsk<{ rows: readonly { start: string; end: string | null; cause: string; duration_ms: number | null }[] }>(
    path,
  );
  const title = say('outage.title', { vm, at: instant(start, zone) });
  return (
    <>
      <Heading title={title}>{title}</Heading>
      {agreed === undefined ? null : (
        <Answer asked={asked}>
          {({ rows }) => {
            const outage = rows.find((row) => row.start === start) ?? rows[0];
            if (outage === undefined) return <p>{say('outages.none')}</p>;
            const endMs = parseInstant(outage.end ?? '');
            const fromMs = Math.floor(startMs / MINUTE_MS) * MINUTE_MS;
            const toMs = Math.ceil((endMs ?? startMs + 1440 * MINUTE_MS) / MINUTE_MS) * MINUTE_MS;
            return (
              <>
                <Section title={say('outage.what')} query={path}>
                  <Facts
                    of={[
                      [say('vm'), <a href={to(`vms/${step(vm)}`, { at: start })}>{vm}</a>],
                      [say('since'), <Time at={outage.start} zone={zone} />],
                      [say('to'), outage.end === null ? say('open') : <Time at={outage.end} zone={zone} />],
                      [say('lasted'), outage.duration_ms === null ? '–' : length(outage.duration_ms)],
                      [say('outage.reported'), <Badge family="cause" code={outage.cause} />],
                    ]}
                  />
                </Section>
                <Counted
                  vm={vm}
                  fromMs={fromMs}
                  toMs={Math.min(toMs, fromMs + MINUTES_MAX * MINUTE_MS)}
                  currency={agreed?.currency ?? ''}
                />
                <Clause
                  id={typeof agreed?.vm.terms === 'string' ? agreed.vm.terms : (agreed?.plan?.terms ?? null)}
                  creditable={agreed?.plan?.creditable ?? []}
                />
                <Incidents fromMs={fromMs} toMs={toMs} zone={zone} />
                <Section title={say('outage.samples')}>
                  <SamplesOf
                    vm={vm}
                    zone={zone}
                    title={say('outage.begin')}
                    fromMs={startMs - AROUND_MS}
                    toMs={startMs + AROUND_MS}
                    empty={say('samples.none')}
                  />
                  {endMs === undefined ? null : (
                    <SamplesOf
                      vm={vm}
                      zone={zone}
                      title={say('outage.end')}
                      fromMs={endMs - AROUND_MS}
                      toMs={endMs + AROUND_MS}
                      empty={say('samples.none')}
                    />
                  )}
                </Section>
                <ZoneNote zone={zone} />
              </>
            );
          }}
        </Answer>
      )}
    </>
  );
}

interface CountedProps {
  readonly vm: string;
  readonly fromMs: number;
  readonly toMs: number;
  readonly currency: string;
}

/** The minutes of the outage as they were reported, and as incidents and terms have them. */
function Counted({ vm, fromMs, toMs, currency }: CountedProps): JSX.Element {
  const pathBy = (incidents: string): string =>
    pathOf(`/v1/vms/${step(vm)}/uptime`, {
      from: formatInstant(fromMs),
      to: formatInstant(toMs),
      step: 'minute',
      incidents,
      limit: MINUTES_MAX,
    });
  const raw = useAsk<{ rows: readonly UptimeRow[] }>(pathBy('raw'));
  const applied = useAsk<{ rows: readonly UptimeRow[] }>(pathBy('applied'));
  const causes = (rows: readonly UptimeRow[]): string => {
    const sums = new Map<string, number>();
    for (const row of rows) for (const [cause, ms] of causesOf(row)) sums.set(cause, (sums.get(cause) ?? 0) + ms);
    return [...sums].map(([cause, ms]) => `${length(ms)} ${sayCode('cause', cause)}`).join(', ') || '–';
  };
  return (
    <Section title={say('outage.counted')}>
      <Answer asked={raw}>
        {({ rows: before }) => (
          <Answer asked={applied}>
            {({ rows }) => (
              <Facts
                of={[
                  [
                    say('outage.as_reported'),
                    <>
                      {causes(before)} <QueryLink path={pathBy('raw')} of={say('outage.as_reported')} />
                    </>,
                  ],
                  [
                    say('outage.as_counted'),
                    <>
                      {causes(rows)} <QueryLink path={pathBy('applied')} of={say('outage.as_counted')} />
                    </>,
                  ],
                  [say('calendar.unavailable'), `${whole(sumOf(rows).unavailableMinutes)} min`],
                  [say('calendar.credit'), <Nanos of={sumOf(rows).credit} currency={currency} />],
                ]}
              />
            )}
          </Answer>
        )}
      </Answer>
      <p class="muted">{say('outage.caps')}</p>
    </Section>
  );
}

interface Sheet {
  readonly version: number;
  readonly title: string;
  readonly credit?: { readonly kind: string; readonly clause?: string };
  readonly clauses?: Readonly<
    Record<string, { readonly says: string | Readonly<Record<string, string>>; readonly place: string }>
  >;
}

function Clause({ id, creditable }: { id: string | null; creditable: readonly string[] }): JSX.Element {
  const sheet = useOnce<{ versions: readonly Sheet[] }>(id === null ? null : `/v1/terms/${step(id)}`)?.versions.at(-1);
  const clause = sheet?.credit?.clause === undefined ? undefined : sheet.clauses?.[sheet.credit.clause];
  return (
    <Section title={say('outage.clause')} {...(id === null ? {} : { query: `/v1/terms/${step(id)}` })}>
      <Facts
        of={[
          [say('nav.terms'), id === null ? '–' : <a href={to(`terms/${step(id)}`)}>{id}</a>],
          [say('outage.place'), clause?.place ?? '–'],
          [say('outage.creditable'), creditable.map((cause) => sayCode('cause', cause)).join(', ') || '–'],
        ]}
      />
      {clause === undefined ? null : (
        <blockquote>
          {typeof clause.says === 'string' ? clause.says : (clause.says[document.documentElement.lang] ?? clause.says['en'])}
        </blockquote>
      )}
    </Section>
  );
}

function Incidents({ fromMs, toMs, zone }: { fromMs: number; toMs: number; zone: string }): JSX.Element {
  const asked = useAsk<{ incidents: readonly Incident[] }>('/v1/incidents');
  return (
    <Section title={say('outage.incidents')} query="/v1/incidents">
      <Answer asked={asked}>
        {({ incidents }) => (
          <IncidentTable
            zone={zone}
            rows={incidents.filter((one) => (parseInstant(one.from) ?? 0) < toMs && (parseInstant(one.to) ?? 0) > fromMs)}
            again={asked.again}
          />
        )}
      </Answer>
    </Section>
  );
}
