import { unprintableText } from '../print/pdf/printable.ts';
import { serviceOf, type Source, vmsAfter } from './finding.ts';

/** What the catalog alone tells. */

const ACCOUNTS_A_PART = 500;
const VMS_A_PART = 5_000;

/** Documents that name no seller. */
export const noIssuer: Source = {
  kinds: ['no_issuer'],
  part({ issuer }, { vm, account }, after) {
    const isFound = issuer === undefined && vm === undefined && account === undefined && after === '';
    const finding = {
      key: '-',
      kind: 'no_issuer' as const,
      vm: null,
      account: null,
      sinceMs: null,
      untilMs: null,
      words: 'the server has no issuer.json: invoices name no seller, tax id or bank, and final ones can never be edited',
      whatToDo: 'put issuer.json into the data folder and start the server again',
    };
    return Promise.resolve({ findings: isFound ? [finding] : [], through: '-', done: true });
  },
};

/** VMs that are in service by their dates, and on no plan: nothing is charged for them. */
export const withoutPlan: Source = {
  kinds: ['vm_without_plan'],
  part(context, asked, after) {
    const { ids, done } = vmsAfter(context, asked, after, VMS_A_PART);
    const nowMs = context.businessNow();
    const findings = ids.flatMap((id) => {
      const body = context.catalog.vm(id)?.body;
      const service = serviceOf(context, id);
      if (body === undefined || service === undefined || service.toMs <= nowMs || (body.starts_at ?? 0) > nowMs) return [];
      if (body.plans.some((each) => each.from <= nowMs)) return [];
      return [
        {
          key: id,
          kind: 'vm_without_plan' as const,
          vm: id,
          account: body.account,
          sinceMs: body.starts_at,
          untilMs: body.plans[0]?.from ?? null,
          words: `VM ${id} is on no plan: nothing is charged for it`,
          whatToDo: `PATCH /v1/vms/${id} with its plans, or with ends_at if it is not served`,
        },
      ];
    });
    return Promise.resolve({ findings, through: ids.at(-1) ?? after, done });
  },
};

/** Accounts whose invoices show boxes on the PDF. */
export const unprintable: Source = {
  kinds: ['name_not_printable'],
  async part({ catalog }, { vm, account }, after) {
    if (vm !== undefined) return { findings: [], through: after, done: true };
    const left = catalog.accountIds().filter((id) => id > after && (account === undefined || id === account));
    const ids = left.slice(0, ACCOUNTS_A_PART);
    const findings = [];
    for (const id of ids) {
      const entry = catalog.account(id);
      const words =
        (await unprintableText(`the name of account ${id}`, entry?.body.name)) ??
        (await unprintableText(`the address of account ${id}`, entry?.body.address));
      if (words === undefined || entry === undefined) continue;
      const whatToDo = 'send the HTML form, or have a name in letters that the PDF has (PATCH /v1/accounts)';
      const base = { vm: null, account: id, sinceMs: entry.recordedAtMs, untilMs: null };
      findings.push({ key: id, kind: 'name_not_printable' as const, ...base, words, whatToDo });
    }
    return { findings, through: ids.at(-1) ?? after, done: left.length <= ACCOUNTS_A_PART };
  },
};
