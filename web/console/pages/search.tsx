/** Anything by its name: VMs, accounts, an invoice by its number, a VM's samples by an instant. */
import type { JSX } from 'preact';
import { parseInstant } from '../../../src/domain/instant.ts';
import { useHouseZone } from '../../shared/agreed.ts';
import { pathOf } from '../../shared/api.ts';
import { useAsk } from '../../shared/ask.ts';
import { to } from '../../shared/router.ts';
import { Answer, Heading, Section } from '../../shared/ui.tsx';
import { say } from '../../shared/words.ts';
import type { ViewProps } from '../views.ts';
import { AccountTable, type ListedAccount } from './accounts.tsx';
import { type ListedVm, VmTable } from './fleet.tsx';
import { InvoiceTable, type ListedInvoice } from './invoices.tsx';

const SHOWN = 20;

/** `web-1 2026-03-14T08:05:00Z`: a VM and an instant. */
function sampleInstant(q: string): { vm: string; at: string } | undefined {
  const [vm = '', at = ''] = q.split(/\s+/);
  return parseInstant(at) === undefined ? undefined : { vm, at };
}

export function Search({ query }: ViewProps): JSX.Element {
  const zone = useHouseZone();
  const q = (query.get('q') ?? '').trim();
  const instant = sampleInstant(q);
  const name = instant?.vm ?? q;
  const number = /^\d{1,15}$/.test(q) ? q : null;
  const vms = useAsk<{ rows: readonly ListedVm[] }>(name === '' ? null : pathOf('/v1/vms', { q: name, limit: SHOWN }));
  const accounts = useAsk<{ rows: readonly ListedAccount[] }>(
    name === '' ? null : pathOf('/v1/accounts', { q: name, limit: SHOWN }),
  );
  const invoices = useAsk<{ invoices: readonly ListedInvoice[] }>(
    number === null ? null : pathOf('/v1/invoices', { number, limit: SHOWN }),
  );
  const title = say('search.results', { q });
  return (
    <>
      <Heading title={title}>{title}</Heading>
      {instant === undefined ? null : (
        <p class="notice">
          <a href={to(`vms/${encodeURIComponent(instant.vm)}`, { at: instant.at })}>{say('search.instant', instant)}</a>
        </p>
      )}
      {number === null || invoices.path === null ? null : (
        <Section title={say('nav.invoices')} query={invoices.path}>
          <Answer asked={invoices}>{(value) => <InvoiceTable rows={value.invoices} />}</Answer>
        </Section>
      )}
      {vms.path === null ? null : (
        <Section title={say('nav.fleet')} query={vms.path}>
          <Answer asked={vms}>{({ rows }) => <VmTable rows={rows} zone={zone} />}</Answer>
        </Section>
      )}
      {accounts.path === null ? null : (
        <Section title={say('nav.accounts')} query={accounts.path}>
          <Answer asked={accounts}>{({ rows }) => <AccountTable rows={rows} />}</Answer>
        </Section>
      )}
    </>
  );
}
