import type { Catalog } from '../../src/catalog/catalog.ts';
import type { Store } from '../../src/store/store.ts';
import { openCatalogOf } from './records.ts';

export interface Row {
  kind: string;
  id: string;
  seq: bigint;
  at: bigint;
  by: string;
  body: string;
}

/** A store that holds the catalog's entries and nothing else, in memory: for cases by the thousand. */
export function memoryStore(): Store {
  const rows: Row[] = [];
  const latest = (kind: string, id: string): Row | undefined => rows.findLast((row) => row.kind === kind && row.id === id);
  return {
    command: () => Promise.resolve(),
    ndjson: () => Promise.reject(new Error('not here')),
    close: () => Promise.resolve(),
    claim: () => Promise.reject(new Error('one process alone')),
    insertRowBinary(_table: string, _structure: string, chunks: readonly Uint8Array[]) {
      for (const chunk of chunks) rows.push(decoded(Buffer.from(chunk)));
      return Promise.resolve();
    },
    rows<T>(sql: string, params: Readonly<Record<string, unknown>> = {}): Promise<T[]> {
      if (sql.includes('WHERE kind =')) {
        const row = latest(String(params['kind']), String(params['id']));
        return Promise.resolve((row === undefined ? [] : [{ last: `${row.seq}`, at: `${row.at}`, by: row.by, latest: row.body }]) as T[]);
      }
      const after = BigInt(String(params['after']));
      const found = rows.filter((row) => row.seq > after && latest(row.kind, row.id) === row);
      return Promise.resolve(
        found.map((row) => {
          const headed = row.kind === 'invoice' || row.kind === 'debit';
          const body = headed ? JSON.stringify((JSON.parse(row.body) as { head: unknown }).head) : row.body;
          return { kind: row.kind, name: row.id, n: '1', last: `${row.seq}`, at: `${row.at}`, by: row.by, latest: body };
        }) as T[],
      );
    },
  }; // prettier-ignore
}

/** A catalog over such a store; `store` given: what another process finds there. */
export function memoryCatalog(store: Store = memoryStore(), now: () => number = () => 0): Promise<Catalog> {
  let n = Math.floor(Math.random() * 2 ** 40);
  return openCatalogOf({
    store,
    now,
    randomBytes: (size) => {
      const bytes = Buffer.alloc(size);
      bytes.writeUIntBE((n += 1), size - 6, 6);
      return bytes;
    },
  });
}

/** A row of the catalog out of its bytes. */
export function decoded(bytes: Buffer): Row {
  let at = 0;
  const text = (): string => {
    let length = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++] ?? 0;
      length += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) break;
    }
    at += length;
    return bytes.toString('utf8', at - length, at);
  };
  const fixed = (): bigint => {
    at += 8;
    return bytes.readBigUInt64LE(at - 8);
  };
  return { kind: text(), id: text(), seq: fixed(), at: fixed(), by: text(), body: text() };
}
