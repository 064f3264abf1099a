/** What keeps it going: the scheduler's jobs and runs, keys, sources and what became of a series, agents and their gaps. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { useHouseZone } from '../../shared/agreed.ts';
import { ask, pathOf, step } from '../../shared/api.ts';
import { useAsk, useOnce } from '../../shared/ask.ts';
import { showExact } from '../../shared/exact-json.ts';
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
  Pager,
  Section,
  Table,
  Time,
  ZoneNote,
} from '../../shared/ui.tsx';
import { say, sayCode } from '../../shared/words.ts';
import type { ViewProps } from '../views.ts';
import { type Job, JobTable } from './now.tsx';

interface Run {
  readonly id: string;
  readonly job: string;
  readonly zone: string;
  readonly slot: string;
  readonly trigger: string;
  readonly started_at: string;
  readonly outcome: string;
  readonly accounts: Readonly<Record<'seen' | 'changed' | 'waiting' | 'failed', number>>;
  readonly problems: readonly { readonly account: string; readonly code: string; readonly reason: string }[];
  readonly error: string | null;
}

const JOBS = ['charge-days', 'invoice-run', 'reconcile', 'standing'] as const;
const OUTCOMES = ['running', 'done', 'waiting', 'failed', 'skipped'] as const;
const anyOf = (family: string, of: readonly string[]) => [
  { value: '', text: say('filter.any') },
  ...of.map((value) => ({ value, text: sayCode(family, value) })),
];

export function Scheduler({ query }: ViewProps): JSX.Element {
  const zone = useHouseZone();
  const [job, outcome, cursor] = ['job', 'outcome', 'cursor'].map((name) => query.get(name));
  const jobs = useAsk<{ on: boolean; jobs: readonly Job[] }>('/v1/scheduler/jobs');
  const path = pathOf('/v1/scheduler/runs', cursor === null ? { job, outcome, limit: 50 } : { cursor });
  const runs = useAsk<{ rows: readonly Run[]; next: string | null }>(path);
  return (
    <>
      <Heading title={say('nav.scheduler')}>{say('nav.scheduler')}</Heading>
      <Section title={say('run.jobs')} query="/v1/scheduler/jobs">
        <Answer asked={jobs}>
          {({ on, jobs: rows }) => (
            <>
              {on ? null : <p class="notice">{say('now.off')}</p>}
              <JobTable jobs={rows} zone={zone} />
            </>
          )}
        </Answer>
      </Section>
      <Filters>
        <Field name="job" label={say('run.job')} value={job ?? ''} choices={anyOf('job', JOBS)} />
        <Field name="outcome" label={say('run.outcome')} value={outcome ?? ''} choices={anyOf('state', OUTCOMES)} />
      </Filters>
      <Section title={say('run.runs')} query={path}>
        <Answer asked={runs}>
          {({ rows, next }) => (
            <>
              <Table
                caption={say('run.runs')}
                rows={rows}
                idOf={({ id }) => id}
                columns={[
                  { title: say('run.job'), cell: (run) => sayCode('job', run.job) },
                  { title: say('run.slot'), cell: ({ slot, zone: of }) => `${slot} (${of})` },
                  { title: say('run.started'), cell: ({ started_at }) => <Time at={started_at} zone={zone} /> },
                  { title: say('run.outcome'), cell: (run) => <Badge family="state" code={run.outcome} /> },
                  {
                    title: say('run.accounts'),
                    figure: true,
                    cell: ({ accounts: { seen, changed, waiting, failed } }) =>
                      [seen, changed, waiting, failed].map((one) => whole(one)).join(' / '),
                  },
                  {
                    title: say('run.problems'),
                    cell: ({ problems, error }) => (
                      <span lang="en">{error ?? problems.map(({ account, reason }) => `${account}: ${reason}`).join('; ')}</span>
                    ),
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

interface Key {
  readonly id: string;
  readonly role: string;
  readonly name: string;
  readonly vms: readonly string[] | null;
  readonly expires_at: string | null;
  readonly created_at: string;
  readonly created_by: string;
}

export function Keys(): JSX.Element {
  const zone = useHouseZone();
  const asked = useAsk<{ keys: readonly Key[] }>('/v1/keys');
  const [made, setMade] = useState('');
  return (
    <>
      <Heading title={say('nav.keys')}>{say('nav.keys')}</Heading>
      <Section title={say('nav.keys')} query="/v1/keys">
        <Answer asked={asked}>
          {({ keys }) => (
            <Table
              caption={say('nav.keys')}
              rows={keys}
              idOf={({ id }) => id}
              columns={[
                { title: say('account.name'), cell: ({ name }) => name },
                { title: say('key.role'), cell: ({ role }) => sayCode('role', role) },
                { title: say('key.vms'), cell: ({ vms }) => vms?.join(', ') ?? '–' },
                { title: say('key.expires'), cell: ({ expires_at }) => <Time at={expires_at} zone={zone} /> },
                { title: say('recorded'), cell: ({ created_at }) => <Time at={created_at} zone={zone} /> },
                { title: say('by'), cell: ({ created_by }) => created_by },
                {
                  title: say('key.revoke'),
                  cell: ({ id }) => (
                    <Deed
                      label={say('key.revoke')}
                      kind="danger"
                      sure={say('key.revoke.sure')}
                      run={async () => {
                        await ask(`/v1/keys/${step(id)}`, { method: 'DELETE' });
                        asked.again();
                      }}
                    />
                  ),
                },
              ]}
            />
          )}
        </Answer>
        <ZoneNote zone={zone} />
      </Section>
      <Section title={say('key.make')}>
        <Form
          label={say('key.make')}
          submit={say('key.make')}
          run={async ({ name = '', role = '', vms = '', expires = '' }, form) => {
            const patterns = vms.split(/[\s,]+/).filter((pattern) => pattern !== '');
            const body = {
              name,
              role,
              ...(patterns.length === 0 ? {} : { vms: patterns }),
              ...(expires === '' ? {} : { expires_at: expires }),
            };
            const { key } = await ask<{ key: string }>('/v1/keys', { method: 'POST', body, once: crypto.randomUUID() });
            setMade(key);
            form.reset();
            asked.again();
          }}
        >
          <Field name="name" label={say('account.name')} required />
          <Field
            name="role"
            label={say('key.role')}
            choices={['agent', 'billing', 'read', 'admin'].map((value) => ({ value, text: sayCode('role', value) }))}
          />
          <Field name="vms" label={say('key.vms')} hint={say('key.vms.how')} />
          <Field name="expires" label={say('key.expires')} hint={say('instant.how')} />
        </Form>
        {made === '' ? null : (
          <div role="status" class="notice">
            <p>{say('key.made')}</p>
            <pre tabIndex={0}>{made}</pre>
          </div>
        )}
      </Section>
    </>
  );
}

interface Source {
  readonly id: string;
  readonly protocol: string;
  readonly path: string;
  readonly mapping: unknown;
  readonly counts: {
    readonly taken: bigint | number;
    readonly inexact: bigint | number;
    readonly left_out: Readonly<Record<string, bigint | number>>;
    readonly rejected: Readonly<Record<string, bigint | number>>;
  };
}

const counted = (of: Readonly<Record<string, bigint | number>>): string =>
  Object.entries(of)
    .map(([code, count]) => `${code} ${whole(count)}`)
    .join(', ') || '0';

export function Sources(): JSX.Element {
  const asked = useAsk<{ sources: readonly Source[] }>('/v1/sources');
  return (
    <>
      <Heading title={say('nav.sources')}>{say('nav.sources')}</Heading>
      <Section title={say('nav.sources')} query="/v1/sources">
        <Answer asked={asked}>
          {({ sources }) => (
            <Table
              caption={say('nav.sources')}
              rows={sources}
              empty={say('source.none')}
              idOf={({ id }) => id}
              columns={[
                { title: say('source'), cell: ({ id }) => <a href={to(`sources/${step(id)}`)}>{id}</a> },
                { title: say('source.protocol'), cell: ({ protocol }) => protocol },
                { title: say('source.taken'), figure: true, cell: ({ counts }) => whole(counts.taken) },
                { title: say('source.left_out'), cell: ({ counts }) => counted(counts.left_out) },
                { title: say('source.rejected'), cell: ({ counts }) => counted(counts.rejected) },
              ]}
            />
          )}
        </Answer>
      </Section>
    </>
  );
}

interface Became {
  readonly outcome: string;
  readonly why: string | null;
  readonly code: string | null;
  readonly sample: unknown;
}

export function SourcePage({ named }: ViewProps): JSX.Element {
  const id = named['source'] ?? '';
  const path = `/v1/sources/${step(id)}`;
  const asked = useAsk<Source>(path);
  const [became, setBecame] = useState<Became>();
  return (
    <>
      <Heading title={id}>
        {say('source')} {id}
      </Heading>
      <Section title={say('source.mapping')} query={path}>
        <Answer asked={asked}>
          {({ protocol, path: at, counts, mapping }) => (
            <>
              <Facts
                of={[
                  [say('source.protocol'), protocol],
                  [say('source.address'), <code>{at}</code>],
                  [say('source.taken'), whole(counts.taken)],
                  [say('source.left_out'), counted(counts.left_out)],
                  [say('source.rejected'), counted(counts.rejected)],
                ]}
              />
              <pre tabIndex={0}>{showExact(mapping)}</pre>
            </>
          )}
        </Answer>
      </Section>
      <Section title={say('source.became')}>
        <Form
          label={say('source.became')}
          submit={say('source.ask')}
          run={async ({ series = '', labels = '' }) => {
            const pairs = labels
              .split(/[\n,]+/)
              .map((pair) => pair.trim())
              .filter((pair) => pair !== '')
              .map((pair) => [
                pair.slice(0, pair.indexOf('=')).trim(),
                pair
                  .slice(pair.indexOf('=') + 1)
                  .replaceAll('"', '')
                  .trim(),
              ]);
            const body = { series, labels: Object.fromEntries(pairs) as Record<string, string> };
            setBecame(await ask<Became>(`${path}/series`, { method: 'POST', body }));
          }}
        >
          <Field name="series" label={say('source.series')} required />
          <Field name="labels" label={say('source.labels')} type="area" hint='instance="host-1", uuid="web-1"' />
        </Form>
        {became === undefined ? null : (
          <div role="status" class="notice">
            <Facts
              of={[
                [say('run.outcome'), sayCode('series', became.outcome)],
                [
                  say('source.why'),
                  <span lang="en">{[became.code, became.why].filter((one) => one !== null).join(': ') || '–'}</span>,
                ],
              ]}
            />
            {became.sample === null ? null : <pre tabIndex={0}>{showExact(became.sample)}</pre>}
          </div>
        )}
      </Section>
    </>
  );
}

interface Name {
  readonly vm: string;
  readonly samples: bigint | number;
  readonly last_sample: string | null;
  readonly nics: number;
  readonly agents: readonly string[];
}

/** A name that was last heard this long before the newest sample of all is a gap. */
const GAP_MS = 5 * 60_000;

export function Agents({ query }: ViewProps): JSX.Element {
  const zone = useHouseZone();
  const [pattern, cursor] = ['pattern', 'cursor'].map((name) => query.get(name));
  const path = pathOf('/v1/names', cursor === null ? { pattern, limit: 100 } : { cursor });
  const asked = useAsk<{ rows: readonly Name[]; next: string | null }>(path);
  const status = useOnce<{ watermark: string | null }>('/v1/status');
  const nowMs = Date.parse(status?.watermark ?? '');
  return (
    <>
      <Heading title={say('nav.agents')}>{say('nav.agents')}</Heading>
      <Filters>
        <Field name="pattern" label={say('agent.pattern')} value={pattern ?? ''} hint="web-*" />
      </Filters>
      <Section title={say('agent.heard')} query={path}>
        <Answer asked={asked}>
          {({ rows, next }) => (
            <>
              <Table
                caption={say('agent.heard')}
                rows={rows}
                idOf={({ vm }) => vm}
                columns={[
                  { title: say('vm'), cell: ({ vm }) => <a href={to(`vms/${step(vm)}`)}>{vm}</a> },
                  {
                    title: say('agent'),
                    cell: ({ agents }) =>
                      agents.map((agent) => (
                        <span key={agent}>
                          <a href={to('outages', { agent })}>{agent}</a>{' '}
                        </span>
                      )),
                  },
                  { title: say('fleet.last'), cell: ({ last_sample }) => <Time at={last_sample} zone={zone} /> },
                  {
                    title: say('agent.gap'),
                    cell: ({ last_sample }) => {
                      const gapMs = nowMs - Date.parse(last_sample ?? '');
                      return gapMs > GAP_MS ? <span class="badge bad">{length(gapMs)}</span> : say('agent.heard.now');
                    },
                  },
                  { title: say('samples'), figure: true, cell: ({ samples }) => whole(samples) },
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
