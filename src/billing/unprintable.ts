import { incidentsOf } from '../catalog/incidents.ts';
import { unprintableIn } from '../print/pdf/printable.ts';
import type { NotedField, NoteSay } from '../rating/note.ts';
import type { BillingContext } from './context.ts';

/** Characters named in a note at most. */
const CHARACTERS_MAX = 10;

/** What of an account's documents no font of the PDF has, field by field: told at the draft, before a customer sees boxes. */
export async function unprintableOf({ catalog, issuer }: BillingContext, account: string): Promise<NoteSay[]> {
  const body = catalog.account(account)?.body;
  const fields: readonly (readonly [NotedField, string | undefined])[] = [
    ['customer_name', body?.name],
    ['customer_address', body?.address],
    ['customer_tax_id', body?.tax_id],
    ['customer_registration', body?.registration],
    ['customer_purchase_order', body?.purchase_order],
    ['issuer_name', issuer?.name],
    ['issuer_address', issuer?.address],
    ['issuer_registration', issuer?.registration],
    ['issuer_payment', issuer?.payment],
    ['issuer_payment_terms', issuer?.payment_terms],
    ['titles', titlesOf(catalog, account)],
    ['incident_notes', incidentNotesOf(catalog, account)],
  ];
  const notes: NoteSay[] = [];
  for (const [field, text = ''] of fields) {
    const missing = await unprintableIn(text);
    if (missing.length > 0)
      notes.push({ code: 'not_printable', field, characters: missing.slice(0, CHARACTERS_MAX), count: missing.length });
  }
  return notes;
}

type Catalog = BillingContext['catalog'];

/** The titles of an account's VMs and of the plans that they have been on. */
function titlesOf(catalog: Catalog, account: string): string {
  const vms = catalog.vmsOf(account).flatMap((id) => catalog.vm(id)?.body ?? []);
  const plans = new Set(vms.flatMap((vm) => vm.plans.map(({ plan }) => plan)));
  return [...vms.map(({ title }) => title), ...[...plans].map((plan) => catalog.plan(plan)?.body.title)].join('');
}

/** Notes of incidents that an account's credits may name; those in basic Latin are printed anyway. */
function incidentNotesOf(catalog: Catalog, account: string): string {
  const foreign = catalog.incidents.all().filter(({ body }) => /[^\n\x20-\x7e]/.test(body.note));
  if (foreign.length === 0) return '';
  const vms = catalog.vmsOf(account);
  return foreign
    .filter((each) => vms.some((vm) => incidentsOf([each], vm, account).length > 0))
    .map(({ body }) => body.note)
    .join('');
}
