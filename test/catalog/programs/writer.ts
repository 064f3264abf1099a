/** Writes accounts and final invoices as fast as it can, and tells of each write that was acknowledged: `URL NAME ROUNDS`. */
import { randomBytes } from 'node:crypto';
import type { StoredDocument } from '../../../src/billing/document.ts';
import { finalize, keepDraft } from '../../../src/billing/ledger.ts';
import { accountBody } from '../../../src/catalog/bodies.ts';
import { Catalog } from '../../../src/catalog/catalog.ts';
import { openServerStore } from '../../../src/store/server.ts';

const [url = '', name = '', rounds = '0'] = process.argv.slice(2);

const document = (account: string): StoredDocument => ({
  head: {
    type: 'invoice',
    account,
    currency: 'CNY',
    from: 0,
    to: 86_400_000,
    final: false,
    number: null,
    issued_at: null,
    due_at: 0,
    total_nanos: '0',
    principal_nanos: '0',
    corrects: null,
  },
  rest: '{"lines":[]}',
  evidence: '{}',
  sha256: null,
});

const store = await openServerStore({ url });
const catalog = await Catalog.open({ store, now: Date.now, randomBytes, shared: true });
for (let i = 0; i < Number(rounds); i += 1) {
  const id = `${name}-${i}`;
  const account = await catalog.putAccount(id, accountBody.parse({ name: id, currency: 'CNY' }), name);
  process.stdout.write(`${JSON.stringify({ account: id, seq: account.seq.toString() })}\n`);
  const invoice = await keepDraft(catalog, document(id), name);
  await finalize(catalog, invoice, name);
  process.stdout.write(`${JSON.stringify({ invoice })}\n`);
}
await store.close();
