/** Writes accounts and final invoices as fast as it can, and tells of each write that was acknowledged: `URL NAME ROUNDS`. */
import { randomBytes } from 'node:crypto';
import { finalize, keepDraft } from '../../../src/books/ledger.ts';
import { accountBody } from '../../../src/catalog/bodies.ts';
import { openServerStore } from '../../../src/store/server.ts';
import { ANYHOW, draftOf } from '../../support/draft.ts';
import { booksOf, openCatalogOf } from '../../support/records.ts';

const [url = '', name = '', rounds = '0'] = process.argv.slice(2);

const store = await openServerStore({ url });
const catalog = await openCatalogOf({ store, now: Date.now, randomBytes, shared: true });
for (let i = 0; i < Number(rounds); i += 1) {
  const id = `${name}-${i}`;
  const account = await catalog.putAccount(id, accountBody.parse({ name: id, currency: 'CNY' }), name);
  process.stdout.write(`${JSON.stringify({ account: id, seq: account.seq.toString() })}\n`);
  const invoice = await keepDraft(booksOf(catalog), draftOf(id), name);
  await finalize(booksOf(catalog), invoice, name, ANYHOW);
  process.stdout.write(`${JSON.stringify({ invoice })}\n`);
}
await store.close();
