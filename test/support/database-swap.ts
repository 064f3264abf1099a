/** What happens to the database of a server that runs: it is dropped, emptied, set back, or another one is in its place. */
import { type ClickHouseClient, createClient } from '@clickhouse/client';
import { DATABASE } from '../../src/store/store.ts';

export class Databases {
  readonly #client: ClickHouseClient;

  constructor(url: string) {
    this.#client = createClient({ url });
  }

  drop(): Promise<unknown> {
    return this.#do(`DROP DATABASE IF EXISTS ${DATABASE} SYNC`);
  }

  /** Every row is gone; which migrations were made is still known. */
  async empty(): Promise<void> {
    for (const table of await this.#tables(DATABASE))
      if (table !== 'migrations') await this.#do(`TRUNCATE TABLE ${DATABASE}.${table} SYNC`);
  }

  /** Keeps a copy of it as it is now. */
  async backUp(name: string): Promise<void> {
    await this.#do(`DROP DATABASE IF EXISTS ${name} SYNC`);
    await this.#do(`CREATE DATABASE ${name}`);
    for (const table of await this.#tables(DATABASE)) {
      await this.#do(`CREATE TABLE ${name}.${table} AS ${DATABASE}.${table}`);
      await this.#do(`INSERT INTO ${name}.${table} SELECT * FROM ${DATABASE}.${table}`);
    }
  }

  /** Puts a copy in its place; the copy is used up. */
  async restore(name: string): Promise<void> {
    await this.drop();
    await this.#do(`RENAME DATABASE ${name} TO ${DATABASE}`);
  }

  /** Sets it aside under a name; there is none then. */
  async setAside(name: string): Promise<void> {
    await this.#do(`DROP DATABASE IF EXISTS ${name} SYNC`);
    await this.#do(`RENAME DATABASE ${DATABASE} TO ${name}`);
  }

  close(): Promise<void> {
    return this.#client.close();
  }

  async #tables(database: string): Promise<string[]> {
    const answer = await this.#client.query({
      query: `SELECT name FROM system.tables WHERE database = '${database}' ORDER BY name`,
      format: 'JSONEachRow',
    });
    return (await answer.json<{ name: string }>()).map(({ name }) => name);
  }

  #do(query: string): Promise<unknown> {
    return this.#client.command({ query });
  }
}
