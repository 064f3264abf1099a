/** Fills the catalog of a data folder with accounts, a plan and VMs in a few inserts, as if they had been recorded one by one: `DIR VMS`. */
import { join } from 'node:path';
import { vmBody } from '../src/catalog/bodies.ts';
import { openEmbeddedStore } from '../src/store/embedded-engine.ts';
import { migrate } from '../src/store/migrations.ts';

const [dir = '', vms = '0'] = process.argv.slice(2);
const store = await openEmbeddedStore({ path: join(dir, 'clickhouse'), scratchDir: join(dir, 'clickhouse-scratch') });
await migrate(store, { nowMs: 0 });
const plan = {
  currency: 'EUR',
  time_zone: 'Europe/Berlin',
  price: { amount: '30.00', per: 'month' },
  creditable: ['provider'],
  traffic: null,
};
const vm = vmBody.parse({ account: 'a', plans: [{ plan: 'p', from: 1767225600000 }], starts_at: 1767225600000 });
const entry = (seq: string, kind: string, id: string, body: string, source = 'system.one'): Promise<void> =>
  store.command(`INSERT INTO catalog (kind, id, seq, recorded_at, recorded_by, body)
                 SELECT '${kind}', ${id}, ${seq}, now64(3), 'bench', ${body} FROM ${source}`);
await entry('1', 'plan', `'p'`, `'${JSON.stringify(plan)}'`);
await entry('2', 'account', `'a'`, `'{"name":"a","currency":"EUR"}'`);
await entry(
  'number + 3',
  'vm',
  `concat('vm-', leftPad(toString(number), 7, '0'))`,
  `'${JSON.stringify(vm)}'`,
  `numbers(${Number(vms)})`,
);
await store.close();
process.exit(0);
