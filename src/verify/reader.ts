/** Reads the API page by page, exactly, and waits where the server asks to. */
import { z } from 'zod';
import { ApiError } from '../client/wire/api-error.ts';
import type { ApiClient } from '../client/wire/client.ts';
import type { Sleep } from '../client/wire/retry.ts';
import { parseExact } from './exact-json.ts';

/** An answer that is none of ours; or a server that never settles. */
export class VerifyError extends Error {
  override readonly name = 'VerifyError';
}

const TRIES = 5;
const RETRY_MS = 1_000;
/** The most that a page of rows may have. */
const PAGE_ROWS_MAX = 10_000;
const pageShape = z.looseObject({ rows: z.array(z.unknown()), next: z.string().nullable() });

export class Reader {
  readonly #client: ApiClient;
  readonly #sleep: Sleep;
  readonly #signal: AbortSignal;
  /** Rows asked for at once: what is held of one answer by the column; of a page it may be less. */
  readonly pageRows: number;

  constructor(options: { client: ApiClient; sleep: Sleep; signal: AbortSignal; pageRows: number }) {
    this.#client = options.client;
    this.#sleep = options.sleep;
    this.#signal = options.signal;
    this.pageRows = options.pageRows;
  }

  /** A reader that gives up as this one does, and when `signal` says so. */
  until(signal: AbortSignal): Reader {
    return new Reader({
      ...{ client: this.#client, sleep: this.#sleep, pageRows: this.pageRows },
      signal: AbortSignal.any([this.#signal, signal]),
    });
  }

  /** The answer in its shape. Throws `ApiError`, and `VerifyError` for an answer in another shape or when interrupted. */
  async get<T>(path: string, shape: z.ZodType<T>): Promise<T> {
    return this.#shaped(path, parseExact(await this.text(path)), shape);
  }

  /** The answer's text, byte for byte. Throws as `get`. */
  async text(path: string): Promise<string> {
    for (let tries = 1; ; tries += 1) {
      if (this.#signal.aborted) throw new VerifyError('interrupted');
      try {
        const { text } = await this.#client.call('GET', path, undefined, this.#signal);
        return text;
      } catch (error) {
        if (!(error instanceof ApiError) || !error.retryable || tries === TRIES) throw error;
        await this.#sleep(error.retryAfterMs ?? RETRY_MS * tries, this.#signal);
      }
    }
  }

  /** As `get`, null where the server knows no such thing. */
  async find<T>(path: string, shape: z.ZodType<T>): Promise<T | null> {
    try {
      return await this.get(path, shape);
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return null;
      throw error;
    }
  }

  async wait(ms: number): Promise<void> {
    await this.#sleep(ms, this.#signal);
  }

  /** The rows of a paged question, in order; `limit` among the parameters where a page is to be shorter than others. */
  rows<T>(path: string, query: Readonly<Record<string, string | number>>, shape: z.ZodType<T>): RowStream<T> {
    const limit = query['limit'] ?? Math.min(this.pageRows, PAGE_ROWS_MAX);
    let next: string | null = '';
    return new RowStream(async () => {
      if (next === null) return null;
      const params = new URLSearchParams(next === '' ? {} : { cursor: next });
      if (next === '') for (const [name, value] of Object.entries(query)) params.set(name, String(value));
      params.set('limit', String(limit));
      const page: z.infer<typeof pageShape> = await this.get(`${path}?${params.toString()}`, pageShape);
      next = page.next;
      return page.rows.map((row) => this.#shaped(path, row, shape));
    });
  }

  #shaped<T>(path: string, value: unknown, shape: z.ZodType<T>): T {
    const parsed = shape.safeParse(value);
    if (parsed.success) return parsed.data;
    throw new VerifyError(`GET ${path} is not answered as expected: ${z.prettifyError(parsed.error)}`);
  }
}

/** Rows in order, of which one page is held at a time. */
export class RowStream<T> {
  #page: readonly T[] = [];
  #at = 0;
  readonly #fetch: () => Promise<readonly T[] | null>;

  /** `fetch` gives the next page, null after the last; a page may be empty. */
  constructor(fetch: () => Promise<readonly T[] | null>) {
    this.#fetch = fetch;
  }

  static empty<T>(): RowStream<T> {
    return new RowStream<T>(() => Promise.resolve(null));
  }

  /** The next row without taking it; undefined after the last. */
  async peek(): Promise<T | undefined> {
    while (this.#at >= this.#page.length) {
      const page = await this.#fetch();
      if (page === null) return undefined;
      this.#page = page;
      this.#at = 0;
    }
    return this.#page[this.#at];
  }

  async next(): Promise<T | undefined> {
    const row = await this.peek();
    if (row !== undefined) this.#at += 1;
    return row;
  }

  /** Takes rows as long as they belong. */
  async takeWhile(belongs: (row: T) => boolean): Promise<T[]> {
    const taken: T[] = [];
    for (let some = await this.takeSome(belongs); some !== null; some = await this.takeSome(belongs)) taken.push(...some);
    return taken;
  }

  /** The same of one page at most; null if the next row does not belong. */
  async takeSome(belongs: (row: T) => boolean): Promise<T[] | null> {
    const first = await this.peek();
    if (first === undefined || !belongs(first)) return null;
    const startAt = this.#at;
    for (let row: T | undefined = first; row !== undefined && belongs(row); row = this.#page[this.#at]) this.#at += 1;
    return this.#page.slice(startAt, this.#at);
  }
}

/** Rows of several VMs in one stream, by name: each VM's are a stream of their own. The VMs are asked for in that order, one after another. */
export class VmStreams<T extends { readonly vm: string }> {
  readonly #rows: RowStream<T>;

  constructor(rows: RowStream<T>) {
    this.#rows = rows;
  }

  /** The VM's rows among those that are `wanted`. */
  of(vm: string, wanted: (row: T) => boolean): RowStream<T> {
    return new RowStream(async () => {
      // What the VM before has left.
      while ((await this.#rows.takeSome((row) => row.vm < vm)) !== null);
      return (await this.#rows.takeSome((row) => row.vm === vm))?.filter(wanted) ?? null;
    });
  }
}
