import type { FastifyInstance } from 'fastify';
import { conditionCode, type Condition } from '../../src/domain/condition.ts';
import { callOf, doneOf, openCatalog, serverOn } from './api.ts';
import { openTestStore, type TestStore } from './store.ts';

/** A month of a few customers with all that a document explains: outages with an incident's note, a change of plan, tiers, fees, arrears. */
export const MARCH = { from: '2026-03-01T00:00:00+08:00', to: '2026-04-01T00:00:00+08:00' };
const GB = 1_000_000_000n;
const sqlTime = (text: string): string => new Date(text).toISOString().replace('T', ' ').replace('Z', '');

export const ISSUER = {
  name: 'Example Hosting Ltd 示例主机有限公司',
  address: '1 Example Road, Xinyi\n110 Taipei, Taiwan',
  tax_id: '12345678',
  registration: 'TW-27934561',
  email: 'billing@example.net',
  tax_name: 'VAT',
  payment_terms: 'Please name the number of the invoice.',
  payment: 'Example Bank, SWIFT EXAMTWTP\nAccount 0123-4567-8901',
  numbers: { invoice: 'INV-{year}-{number:5}', credit_note: 'CN-{year}-{number:5}' },
};

export class DocumentScene {
  readonly store: TestStore;
  readonly app: FastifyInstance;

  private constructor(store: TestStore, app: FastifyInstance) {
    this.store = store;
    this.app = app;
  }

  /** Opens a server on an empty store. `clock.ms` is its time. */
  static async open(clock: { ms: number }): Promise<DocumentScene> {
    const store = await openTestStore();
    const now = (): number => clock.ms;
    const catalog = await openCatalog(store.store, now);
    return new DocumentScene(store, await serverOn(store.store, catalog, { now, eventClockMs: now, issuer: ISSUER }));
  }

  get done() {
    return doneOf(() => this.app);
  }

  get call() {
    return callOf(this.app);
  }

  async close(): Promise<void> {
    await this.app.close();
    await this.store.remove();
  }

  /** A VM's time as metered, as the aggregator would store it. */
  async metered(vm: string, from: string = MARCH.from, to: string = MARCH.to): Promise<void> {
    for (const minute of [from, new Date(Date.parse(to) - 60_000).toISOString()])
      await this.store.store.command(
        `INSERT INTO uptime (vm, minute, up_ms, version) VALUES ('${vm}', '${sqlTime(minute).slice(0, 19)}', 60000, 1)`,
      );
  }

  outage(vm: string, from: string, to: string, cause: Condition = 'provider'): Promise<void> {
    return this.store.store.command(
      `INSERT INTO outages (vm, start_at, end_at, condition, withdrawn, version) VALUES ('${vm}', '${sqlTime(from)}', '${sqlTime(to)}', ${conditionCode(cause)}, 0, 1)`,
    );
  }

  traffic(vm: string, minute: string, rxGb: bigint, txGb: bigint): Promise<void> {
    return this.store.store.command(
      `INSERT INTO traffic (vm, nic, minute, rx_bytes, tx_bytes, version) VALUES ('${vm}', 'eth0', '${sqlTime(minute).slice(0, 19)}', ${rxGb * GB + 137_295_234n}, ${txGb * GB}, 1)`,
    );
  }

  /** Rates a period, and makes it final under the next number. The invoice's id. */
  async final(account: string, from: string = MARCH.from, to: string = MARCH.to): Promise<string> {
    const { id } = await this.done<{ id: string }>('POST', '/v1/invoices', { account, from, to, mode: 'draft' });
    await this.done('POST', `/v1/invoices/${id}/finalize`);
    return id;
  }

  async form(id: string, accept: string, of = 'invoices'): Promise<Buffer> {
    const answer = await this.app.inject({
      method: 'GET',
      url: `/v1/${of}/${id}`,
      headers: { authorization: 'Bearer an-admin-key-for-the-tests', accept },
    });
    if (answer.statusCode !== 200) throw new Error(`${id} as ${accept} answered ${answer.statusCode}: ${answer.body}`);
    return answer.rawPayload;
  }
}

/** Plans and an account with four VMs: a whole month with outages, one begun in it, one that changed its plan, one that did nothing. */
export async function acme(scene: DocumentScene, language: string, account = 'acme'): Promise<void> {
  const { done } = scene;
  const tiers = [{ up_to: 500, price: '0.10' }, { up_to: null, price: '0.05' }]; // prettier-ignore
  const plan = (title: string, amount: string) => ({
    ...{ title, currency: 'CNY', time_zone: 'Asia/Taipei', price: { amount, per: 'month' }, terms: 'internet-service' },
    traffic: { counting: 'sum', included_bytes: 1e12, tiers },
  });
  await done('PUT', '/v1/plans/cloud-s', plan('Cloud S, 2 vCPU, 4 GB', '310.00'));
  await done('PUT', '/v1/plans/cloud-m', plan('Cloud M, 4 vCPU, 8 GB', '620.00'));
  await done('PUT', `/v1/accounts/${account}`, {
    ...{ name: 'Acme Networks Ltd', currency: 'CNY', tax_percent: '6', language, address: '7 Harbour Street\nHong Kong' },
    ...{ tax_id: 'HK-998877', registration: 'CR 1234567', purchase_order: 'PO-4711', email: 'accounts@acme.example' },
  });
  const vm = (id: string, more: object) =>
    done('PUT', `/v1/vms/${id}`, { account, plans: [{ plan: 'cloud-s', from: MARCH.from }], ...more });
  await vm(`${account}-web`, { title: 'Web shop' });
  await vm(`${account}-db`, { title: 'Database', starts_at: '2026-03-10T10:00:00+08:00' });
  await vm(`${account}-mail`, {
    plans: [
      { plan: 'cloud-s', from: MARCH.from },
      { plan: 'cloud-m', from: '2026-03-16T00:00:00+08:00' },
    ],
  });
  await vm(`${account}-idle`, {});
  for (const name of ['web', 'db', 'mail', 'idle']) await scene.metered(`${account}-${name}`);
  await scene.outage(`${account}-web`, '2026-03-05T10:00:10+08:00', '2026-03-05T10:00:40+08:00');
  await scene.outage(`${account}-web`, '2026-03-06T10:00:00+08:00', '2026-03-06T12:00:00+08:00', 'third_party');
  await scene.outage(`${account}-web`, '2026-03-10T23:58:30+08:00', '2026-03-11T00:01:00+08:00');
  await scene.outage(`${account}-web`, '2026-03-20T12:00:00+08:00', '2026-03-21T13:00:00+08:00');
  await scene.traffic(`${account}-web`, '2026-03-12T00:00:00+08:00', 1200n, 536n);
  await scene.traffic(`${account}-mail`, '2026-03-20T00:00:00+08:00', 20n, 3n);
  await done('POST', '/v1/incidents', {
    ...{ scope: { vms: [`${account}-web`] }, from: '2026-03-20T12:00:00+08:00', to: '2026-03-21T13:00:00+08:00' },
    ...{ cause: 'provider', note: 'ticket 7: storage node down' },
  });
}
