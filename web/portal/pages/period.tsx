/** What a customer sees first: the period of now, as it stands. */
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { parseInstant } from '../../../src/domain/instant.ts';
import { formatAmount, signedNanos } from '../../../src/domain/money.ts';
import { type Plan, planAt, useHouseZone, type Vm } from '../../shared/agreed.ts';
import { ask, type ApiProblem, pathOf, step } from '../../shared/api.ts';
import { problemOf, useAsk, useOnce } from '../../shared/ask.ts';
import type { UptimeRow } from '../../shared/calendar/month.ts';
import { bytes, day, percent, whole } from '../../shared/format.ts';
import { to } from '../../shared/router.ts';
import { Answer, Bytes, Facts, Heading, Money, Nanos, Pager, Problem, Section, Table } from '../../shared/ui.tsx';
import type { ViewProps } from '../../shared/view.tsx';
import { say, sayCode } from '../../shared/words.ts';
import { type Period as Span, periodAt, projected } from '../period.ts';
import { useCustomer } from '../who.ts';
import { tell } from '../words.ts';

/** VMs of a page: each asks for what was measured of it. */
const VMS_OF_PAGE = 10;

export function Period({ query }: ViewProps): JSX.Element {
  const { account, isWhole } = useCustomer();
  const zone = useHouseZone();
  // before the plans are there the zone is not known, and what was asked in another would be asked in vain
  const plans = useOnce<unknown>(pathOf('/v1/plans', { limit: 100 }));
  const standing = useOnce<{ now: string }>(isWhole ? `/v1/accounts/${step(account)}/standing` : null);
  const nowMs = isWhole ? (standing === undefined ? undefined : parseInstant(standing.now)) : Date.now();
  const cursor = query.get('cursor');
  const path = pathOf('/v1/vms', cursor === null ? { account, limit: VMS_OF_PAGE } : { cursor });
  const asked = useAsk<{ rows: readonly { vm: string; agreed: Vm | null }[]; next: string | null }>(path);
  const period = nowMs === undefined || plans === undefined ? undefined : periodAt(zone, nowMs);
  return (
    <>
      <Heading title={tell('period.title')}>{tell('period.title')}</Heading>
      {period === undefined ? (
        <p role="status">{say('loading')}</p>
      ) : (
        <>
          <p class="muted">
            {tell('period.of', { from: day(period.fromMs, zone), to: day(period.toMs - 1, zone), zone: period.zone })}
          </p>
          {isWhole ? <MoneyOf account={account} period={period} /> : null}
          <h2>{tell('period.vms')}</h2>
          <Answer asked={asked}>
            {({ rows, next }) => (
              <>
                {rows.length === 0 ? <p class="muted">{say('none')}</p> : null}
                {rows.map(({ vm, agreed }) => (
                  <VmPanel key={vm} vm={vm} agreed={agreed} period={period} />
                ))}
                <Pager next={next} cursor={cursor} />
              </>
            )}
          </Answer>
        </>
      )}
    </>
  );
}

interface PreviewLine {
  readonly id: string;
  readonly kind: string;
  readonly vm: string | null;
  readonly description: string;
  readonly amount: string;
}

interface Preview {
  readonly currency: string;
  readonly total: string;
  readonly lines: readonly PreviewLine[];
}

/** The sum of amounts, exact. */
function sumOf(amounts: readonly string[], currency: string): string {
  return formatAmount(
    amounts.reduce((sum, amount) => sum + signedNanos(amount), 0n),
    currency,
  );
}

/** What the period would cost if it ended now; null where it could not be rated, and why. */
function usePreview(account: string, { from, to: until }: Span): { value?: Preview; problem?: ApiProblem } {
  const [state, setState] = useState<{ value?: Preview; problem?: ApiProblem }>({});
  useEffect(() => {
    const stop = new AbortController();
    ask<Preview>('/v1/invoices', { method: 'POST', body: { account, from, to: until }, signal: stop.signal }).then(
      (value) => {
        setState({ value });
      },
      (error: unknown) => {
        if (!stop.signal.aborted) setState({ problem: problemOf(error) });
      },
    );
    return () => {
      stop.abort();
    };
  }, [account, from, until]);
  return state;
}

interface Balance {
  readonly currency: string;
  readonly balance: string;
  readonly unpaid: readonly { readonly amount: string }[];
}

function MoneyOf({ account, period }: { account: string; period: Span }): JSX.Element {
  const { value, problem } = usePreview(account, period);
  const balance = useAsk<Balance>(`/v1/accounts/${step(account)}/balance`);
  const waits = (
    <span class="muted" role="status">
      {problem === undefined ? say('loading') : '–'}
    </span>
  );
  const credits = (value?.lines ?? []).filter(({ kind }) => kind === 'credit').map(({ amount }) => amount.replace(/^-/, ''));
  return (
    <>
      <ul class="tiles">
        <li>
          {tell('period.price')}
          <strong>{value === undefined ? waits : <Money of={value.total} currency={value.currency} />}</strong>
        </li>
        <li>
          {tell('period.credit')}
          <strong>{value === undefined ? waits : <Money of={sumOf(credits, value.currency)} currency={value.currency} />}</strong>
        </li>
        <Answer asked={balance}>
          {({ balance: now, currency, unpaid }) => (
            <>
              <li>
                {tell('period.balance')}
                <strong>
                  <Money of={now} currency={currency} />
                </strong>
              </li>
              <li>
                <a href={to('payments')}>{tell('period.due')}</a>
                <strong>
                  <Money
                    of={sumOf(
                      unpaid.map(({ amount }) => amount),
                      currency,
                    )}
                    currency={currency}
                  />
                </strong>
              </li>
            </>
          )}
        </Answer>
      </ul>
      {problem === undefined ? null : <Problem problem={problem} />}
      {value === undefined ? null : (
        <Section title={tell('period.lines')}>
          <p class="muted">{tell('period.price.how')}</p>
          <Table
            caption={tell('period.lines')}
            rows={value.lines}
            idOf={({ id }) => id}
            columns={[
              {
                title: tell('doc.line'),
                cell: ({ description, vm }) => (
                  <>
                    {description}
                    <br />
                    <span class="muted">{vm ?? say('account')}</span>
                  </>
                ),
              },
              { title: say('kind'), cell: ({ kind }) => sayCode('line', kind) },
              { title: say('amount'), figure: true, cell: ({ amount }) => <Money of={amount} currency={value.currency} /> },
            ]}
          />
        </Section>
      )}
    </>
  );
}

function VmPanel({ vm, agreed, period }: { vm: string; agreed: Vm | null; period: Span }): JSX.Element {
  const id = agreed === null ? undefined : planAt(agreed, period.nowMs);
  const plan = useOnce<Plan>(id === undefined ? null : `/v1/plans/${step(id)}`);
  const range = { from: period.from, to: period.to, step: 'month', tz: period.zone };
  const trafficPath = pathOf(`/v1/vms/${step(vm)}/traffic`, range);
  const traffic = useAsk<{ rows: readonly TrafficRow[] }>(trafficPath);
  const uptimePath = pathOf(`/v1/vms/${step(vm)}/uptime`, range);
  const uptime = useAsk<{ rows: readonly UptimeRow[] }>(uptimePath);
  const title = agreed?.title === undefined || agreed.title === '' ? vm : `${vm} · ${agreed.title}`;
  return (
    <Section title={title}>
      <p>
        {plan === undefined ? null : <>{plan.title ?? plan.id} · </>}
        <a href={to(`vms/${step(vm)}`)} aria-label={`${tell('vm.calendar')}: ${vm}`}>
          {tell('vm.calendar')}
        </a>
      </p>
      <Answer asked={traffic}>{({ rows }) => <Traffic rows={rows} plan={plan} agreed={agreed} period={period} />}</Answer>
      <Answer asked={uptime}>{({ rows }) => <Uptime row={rows[0]} plan={plan} agreed={agreed} />}</Answer>
      <p class="row">
        {(
          [
            [trafficPath, tell('vm.traffic')],
            [uptimePath, tell('vm.available')],
          ] as const
        ).map(([path, of]) => (
          <a key={path} class="query" href={to('query', { path })}>
            {say('query.link')} {of}
            <span class="hidden"> {vm}</span>
          </a>
        ))}
      </p>
    </Section>
  );
}

interface TrafficRow {
  readonly rx_bytes: bigint | number;
  readonly tx_bytes: bigint | number;
}

/** The bytes that a plan counts. */
function counted(rows: readonly TrafficRow[], counting: string | undefined): bigint {
  const rx = rows.reduce((sum, row) => sum + BigInt(row.rx_bytes), 0n);
  const tx = rows.reduce((sum, row) => sum + BigInt(row.tx_bytes), 0n);
  switch (counting) {
    case 'in':
      return rx;
    case 'out':
      return tx;
    case 'max':
      return rx > tx ? rx : tx;
    default:
      return rx + tx;
  }
}

interface PanelProps {
  readonly plan: Plan | undefined;
  readonly agreed: Vm | null;
}

function Traffic({ rows, plan, agreed, period }: PanelProps & { rows: readonly TrafficRow[]; period: Span }): JSX.Element {
  const price = plan?.traffic ?? undefined;
  const used = counted(rows, price?.counting);
  const included = BigInt(price?.included_bytes ?? 0);
  const end = projected(
    used,
    period,
    parseInstant(agreed?.starts_at ?? '') ?? undefined,
    parseInstant(agreed?.ends_at ?? '') ?? undefined,
  );
  const share = included === 0n ? undefined : percent(used, included);
  const hasClasses = price !== undefined && 'classes' in price;
  return (
    <>
      <Facts
        of={[
          [
            tell('vm.traffic'),
            share === undefined ? (
              <Bytes of={used} />
            ) : (
              <>
                {tell('vm.of', { used: bytes(used), included: bytes(included), share })}
                <span class="hidden"> ({whole(used)} B)</span>
              </>
            ),
          ],
          [tell('vm.projected'), end === undefined ? '–' : <Bytes of={end} />],
        ]}
      />
      {included === 0n ? null : (
        <progress
          aria-label={`${tell('vm.traffic')} ${share ?? ''}`}
          max={1000}
          value={Number(used >= included ? 1000n : (used * 1000n) / included)}
        />
      )}
      {price?.counting === 'p95' ? <p class="muted">{tell('vm.p95')}</p> : null}
      {hasClasses ? <p class="muted">{tell('vm.classes')}</p> : null}
    </>
  );
}

interface Sheet {
  readonly versions: readonly {
    readonly credit?: { readonly tiers?: readonly { readonly below_percent: string }[] } | null;
  }[];
}

/** The terms sheet of a VM: its own, else that of its plan. */
function sheetOf(agreed: Vm | null, plan: Plan | undefined): string | null {
  const own = agreed?.terms ?? null;
  if (typeof own === 'string') return own;
  return own?.at(-1)?.sheet ?? plan?.terms ?? null;
}

function Uptime({ row, plan, agreed }: PanelProps & { row: UptimeRow | undefined }): JSX.Element {
  const sheet = sheetOf(agreed, plan);
  const terms = useOnce<Sheet>(sheet === null ? null : `/v1/terms/${step(sheet)}`);
  const tiers = terms?.versions.at(-1)?.credit?.tiers ?? [];
  const target = tiers.map(({ below_percent }) => below_percent).sort((a, b) => (signedNanos(a) < signedNanos(b) ? 1 : -1))[0];
  if (row === undefined) return <p class="muted">{tell('vm.soon')}</p>;
  const down = Object.values(row.down_ms).reduce((sum, ms) => sum + ms, 0);
  const all = row.up_ms + down + row.silent_ms;
  return (
    <Facts
      of={[
        [tell('vm.available'), percent(BigInt(row.up_ms), BigInt(all))],
        [tell('vm.target'), target === undefined ? tell('vm.target.none') : `${target} %`],
        [tell('vm.down'), `${whole(row.unavailable_minutes)} min`],
        [tell('vm.credit'), <Nanos of={BigInt(row.credit_nanos)} currency={plan?.currency ?? ''} />],
      ]}
    />
  );
}
