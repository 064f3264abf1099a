import { planInForce } from '../../domain/dated-plans.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import type { IssuerProfile } from '../issuer.ts';

/** Whom a decision about a VM is from and to, as they were when it was made: what its printed form begins with. */
export function partiesOf(
  { catalog, issuer }: { catalog: Catalog; issuer?: IssuerProfile | undefined },
  vm: string,
  atMs: number,
): Record<string, unknown> {
  const body = catalog.vm(vm)?.body;
  const account = body === undefined ? undefined : catalog.account(body.account)?.body;
  const plan = body === undefined ? undefined : planInForce(body.plans, atMs)?.plan;
  const planBody = plan === undefined ? undefined : catalog.plan(plan)?.body;
  return {
    layout: 2,
    issuer: issuer ?? null,
    account: body?.account ?? null,
    customer:
      account === undefined
        ? null
        : {
            name: account.name,
            language: account.language,
            address: account.address,
            tax_id: account.tax_id,
            registration: account.registration,
            purchase_order: account.purchase_order,
            email: account.email,
          },
    time_zone: account?.time_zone ?? planBody?.time_zone ?? 'UTC',
    vm_title: body?.title ?? null,
  };
}
