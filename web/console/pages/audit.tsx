/** Who changed what, and when: a month of it, page by page. */
import type { JSX } from 'preact';
import { formatInstant } from '../../../src/domain/instant.ts';
import { useHouseZone } from '../../shared/agreed.ts';
import { pathOf } from '../../shared/api.ts';
import { useAsk } from '../../shared/ask.ts';
import { monthAt, spanOfMonth } from '../../shared/calendar/month.ts';
import { Answer, Field, Filters, Heading, Pager, Section, Table, Time, ZoneNote } from '../../shared/ui.tsx';
import { say } from '../../shared/words.ts';
import type { ViewProps } from '../views.ts';

interface Change {
  readonly seq: bigint | number;
  readonly at: string;
  readonly who: string;
  readonly what: string;
  readonly id: string;
}

export function Audit({ query }: ViewProps): JSX.Element {
  const zone = useHouseZone();
  const [who, what, id, cursor] = ['who', 'what', 'id', 'cursor'].map((name) => query.get(name));
  const newest = monthAt(zone, Date.now());
  const month = spanOfMonth(zone, query.get('month') ?? '') === undefined ? newest : (query.get('month') ?? newest);
  const span = spanOfMonth(zone, month) ?? { fromMs: 0, toMs: 0 };
  const range = { from: formatInstant(span.fromMs), to: formatInstant(span.toMs) };
  const path = pathOf('/v1/audit', cursor === null ? { ...range, who, what, id, limit: 100 } : { cursor });
  const asked = useAsk<{ rows: readonly Change[]; next: string | null }>(path);
  return (
    <>
      <Heading title={say('nav.audit')}>{say('nav.audit')}</Heading>
      <Filters key={month}>
        <Field name="month" label={say('calendar.month')} value={month} pattern="[0-9]{4}-[0-9]{2}" />
        <Field name="who" label={say('audit.who')} value={who ?? ''} />
        <Field name="what" label={say('audit.what')} value={what ?? ''} />
        <Field name="id" label={say('audit.id')} value={id ?? ''} />
      </Filters>
      <Section title={say('audit.changes')} query={path}>
        <Answer asked={asked}>
          {({ rows, next }) => (
            <>
              <Table
                caption={say('audit.changes')}
                rows={rows}
                empty={say('audit.none')}
                idOf={({ seq }) => String(seq)}
                columns={[
                  { title: say('recorded'), cell: ({ at }) => <Time at={at} zone={zone} /> },
                  { title: say('audit.who'), cell: (row) => row.who },
                  { title: say('audit.what'), cell: (row) => <code>{row.what}</code> },
                  { title: say('audit.id'), cell: (row) => row.id },
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
