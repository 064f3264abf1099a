/** Terms sheets: all, one with its versions and their difference, and what another sheet would have made of months that are over. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { useHouseZone } from '../../shared/agreed.ts';
import { ask, step } from '../../shared/api.ts';
import { useAsk } from '../../shared/ask.ts';
import { showExact } from '../../shared/exact-json.ts';
import { to } from '../../shared/router.ts';
import { Answer, Field, Form, Heading, Money, Section, Table, Time, ZoneNote } from '../../shared/ui.tsx';
import { language, say } from '../../shared/words.ts';
import type { ViewProps } from '../views.ts';

interface Listed {
  readonly id: string;
  readonly version: number;
  readonly effective_from: string;
  readonly effective_until: string | null;
  readonly title: string;
  readonly document: string;
}

export function Terms(): JSX.Element {
  const zone = useHouseZone();
  const asked = useAsk<{ rows: readonly Listed[] }>('/v1/terms');
  return (
    <>
      <Heading title={say('nav.terms')}>{say('nav.terms')}</Heading>
      <Section title={say('nav.terms')} query="/v1/terms">
        <Answer asked={asked}>
          {({ rows }) => (
            <Table
              caption={say('nav.terms')}
              rows={rows}
              idOf={({ id, version }) => `${id} ${version}`}
              columns={[
                { title: say('terms.sheet'), cell: ({ id }) => <a href={to(`terms/${step(id)}`)}>{id}</a> },
                { title: say('terms.version'), figure: true, cell: ({ version }) => version },
                { title: say('account.name'), cell: ({ title }) => title },
                { title: say('from'), cell: ({ effective_from }) => <Time at={effective_from} zone={zone} /> },
                { title: say('to'), cell: ({ effective_until }) => <Time at={effective_until} zone={zone} /> },
                { title: say('terms.document'), cell: ({ document }) => document },
              ]}
            />
          )}
        </Answer>
        <ZoneNote zone={zone} />
      </Section>
    </>
  );
}

interface Sheet {
  readonly id: string;
  readonly version: number;
  readonly title: string;
  readonly clauses?: Readonly<
    Record<string, { readonly says: string | Readonly<Record<string, string>>; readonly place: string }>
  >;
}

/** Lines that only one of two texts has, in order: a sheet is some hundred lines, so the plain table of lengths does. */
function differences(before: string, after: string): string[] {
  const [a, b] = [before.split('\n'), after.split('\n')];
  const common = Array.from({ length: a.length + 1 }, () => new Array<number>(b.length + 1).fill(0));
  const at = (i: number, j: number): number => common[i]?.[j] ?? 0;
  for (let i = a.length - 1; i >= 0; i -= 1)
    for (let j = b.length - 1; j >= 0; j -= 1) {
      const row = common[i];
      if (row !== undefined) row[j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  const lines: string[] = [];
  for (let i = 0, j = 0; i < a.length || j < b.length;) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      i += 1;
      j += 1;
    } else if (j >= b.length || (i < a.length && at(i + 1, j) >= at(i, j + 1))) lines.push(`- ${a[i++] ?? ''}`);
    else lines.push(`+ ${b[j++] ?? ''}`);
  }
  return lines;
}

export function TermsPage({ named }: ViewProps): JSX.Element {
  const id = named['sheet'] ?? '';
  const path = `/v1/terms/${step(id)}`;
  const asked = useAsk<{ versions: readonly Sheet[] }>(path);
  return (
    <>
      <Heading title={id}>
        {say('terms.sheet')} {id}
      </Heading>
      <Answer asked={asked}>
        {({ versions }) => {
          const newest = versions.at(-1);
          if (newest === undefined) return null;
          return (
            <>
              <Section title={`${newest.title} (${newest.version})`} query={path}>
                <Table
                  caption={say('terms.clauses')}
                  rows={Object.entries(newest.clauses ?? {})}
                  idOf={([name]) => name}
                  columns={[
                    { title: say('outage.clause'), cell: ([name]) => name },
                    { title: say('outage.place'), cell: ([, { place }]) => place },
                    {
                      title: say('terms.says'),
                      cell: ([, { says }]) =>
                        typeof says === 'string' ? <span lang="en">{says}</span> : (says[language()] ?? says['en'] ?? ''),
                    },
                  ]}
                />
                <details>
                  <summary>{say('terms.json')}</summary>
                  <pre tabIndex={0}>{showExact(newest)}</pre>
                </details>
              </Section>
              {versions.slice(1).map((sheet, i) => (
                <Section
                  key={sheet.version}
                  title={say('terms.diff', { before: versions[i]?.version ?? '', after: sheet.version })}
                >
                  <pre tabIndex={0}>{differences(showExact(versions[i]), showExact(sheet)).join('\n')}</pre>
                </Section>
              ))}
              <Backtest id={id} sheet={newest} />
            </>
          );
        }}
      </Answer>
    </>
  );
}

interface Change {
  readonly before: string;
  readonly after: string;
  readonly difference: string;
}
interface Result {
  readonly account: string;
  readonly currency: string;
  readonly credits: Change;
  readonly total: Change;
  readonly refunds: Change;
  readonly reason: string | null;
}
interface Tested {
  readonly accounts: number;
  readonly results: readonly Result[];
  readonly next: string | null;
}

/** Tries a sheet against months that are over, account by account; nothing is written. */
function Backtest({ id, sheet }: { id: string; sheet: Sheet }): JSX.Element {
  const [results, setResults] = useState<readonly Result[]>();
  const [done, setDone] = useState('');
  return (
    <Section title={say('terms.backtest')}>
      <Form
        label={say('terms.backtest')}
        submit={say('terms.try')}
        run={async ({ from = '', to: until = '', sheet: text = '' }) => {
          // the sheet's check is the server's: a text that is no JSON is said to be none by it, too
          const given: unknown = JSON.parse(text);
          let all: Result[] = [];
          for (let after: string | null = null; ;) {
            const body = { sheet: given, replaces: id, from, to: until, ...(after === null ? {} : { after }) };
            const part: Tested = await ask<Tested>('/v1/terms/backtests', { method: 'POST', body });
            all = [...all, ...part.results];
            setResults(all);
            setDone(say('terms.progress', { done: all.length, of: part.accounts }));
            after = part.next;
            if (after === null) break;
          }
        }}
      >
        <Field name="from" label={say('terms.first')} required pattern="[0-9]{4}-[0-9]{2}" hint="2026-03" />
        <Field name="to" label={say('terms.last')} required pattern="[0-9]{4}-[0-9]{2}" hint="2026-03" />
        <Field name="sheet" label={say('terms.json')} type="area" value={showExact(sheet)} />
      </Form>
      <p role="status">{done}</p>
      {results === undefined ? null : (
        <Table
          caption={say('terms.backtest')}
          rows={results}
          idOf={({ account }) => account}
          columns={[
            { title: say('account'), cell: ({ account }) => <a href={to(`accounts/${step(account)}`)}>{account}</a> },
            {
              title: say('terms.credits'),
              figure: true,
              cell: ({ credits, currency }) => <Money of={credits.difference} currency={currency} />,
            },
            {
              title: say('terms.refunds'),
              figure: true,
              cell: ({ refunds, currency }) => <Money of={refunds.difference} currency={currency} />,
            },
            {
              title: say('terms.before'),
              figure: true,
              cell: ({ total, currency }) => <Money of={total.before} currency={currency} />,
            },
            {
              title: say('terms.after'),
              figure: true,
              cell: ({ total, currency }) => <Money of={total.after} currency={currency} />,
            },
            { title: say('note'), cell: ({ reason }) => <span lang="en">{reason ?? ''}</span> },
          ]}
        />
      )}
    </Section>
  );
}
