/**
 * A store over a message port. The embedded ClickHouse belongs to the main thread (a worker thread that ends would take the engine with
 * it), so the aggregator's thread asks for what it needs through here. Rows that it inserts go by a file: in messages they would pass
 * through the main thread's heap, whose collector they kept busy (measured: a quarter of the whole way's CPU time).
 */
import { rmSync } from 'node:fs';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { isFileLimit } from '../process/process-files.ts';
import { rowsOf } from './statements.ts';
import { NO_FILE } from './errors.ts';
import { bytesIn } from './rowbinary.ts';
import { scratchPath, writeScratch } from './scratch.ts';
import { type Store, StoreError } from './store.ts';

type Method = 'command' | 'ndjson' | 'insertFile' | 'claim';

/** What the other thread needs; `port` must be in the list of what is transferred to it. */
export interface RemoteEnd {
  readonly port: MessagePort;
  readonly scratchDir: string;
}

interface Call {
  readonly id: number;
  readonly method: Method;
  readonly args: readonly unknown[];
}

type Answer =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: { code: string; message: string; retryable: boolean } };

/** Answers the calls of another thread with the store, any number at a time. Throws for a store that is not in this process. */
export function serveStore(store: Store): { readonly end: RemoteEnd; readonly close: () => void } {
  const { files } = store;
  if (files === undefined) throw new Error('a server needs nobody to pass things on: each thread opens it itself');
  const { port1: port, port2 } = new MessageChannel();
  const carryOut = async ({ method, args }: Call): Promise<unknown> => {
    switch (method) {
      case 'command':
        return store.command(...(args as Parameters<Store['command']>));
      case 'ndjson':
        return store.ndjson(...(args as Parameters<Store['ndjson']>));
      case 'insertFile':
        return files.insert(...(args as Parameters<typeof files.insert>));
      case 'claim':
        return store.claim(...(args as Parameters<Store['claim']>));
    }
  };
  port.on('message', (call: Call) => {
    carryOut(call).then(
      (value) => {
        port.postMessage({ id: call.id, value } satisfies Answer);
      },
      (error: unknown) => {
        const known = error instanceof StoreError ? error : undefined;
        const message = error instanceof Error ? error.message : String(error);
        const told = { code: known?.code ?? 'store_failed', message, retryable: known?.retryable ?? false };
        port.postMessage({ id: call.id, error: told } satisfies Answer);
      },
    );
  });
  return {
    end: { port: port2, scratchDir: files.directory },
    close: () => {
      port.close();
    },
  };
}

const NO_FILE_PAUSE_MS = 500;
const TOLD_EVERY_PAUSES = 120;

/** Does what needs a file as soon as there is one: others close theirs. */
async function outlasting<T>(work: () => T | Promise<T>, told: (message: string) => void): Promise<T> {
  for (let pauses = 0; ; pauses++) {
    try {
      return await work();
    } catch (error) {
      if (!isFileLimit(error) && !(error instanceof StoreError && error.code === NO_FILE)) throw error;
      if (pauses % TOLD_EVERY_PAUSES === 0) told(`no file is left to open: rows wait in the log (${(error as Error).message})`);
      await new Promise((resolve) => setTimeout(resolve, NO_FILE_PAUSE_MS));
    }
  }
}

/**
 * The store at the other end of the port. Errors arrive as StoreError, with code and message.
 * @param told when it waits for a file to open
 */
export function remoteStore({ port, scratchDir }: RemoteEnd, told: (message: string) => void = () => undefined): Store {
  let lastId = 0;
  const waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  port.on('message', (answer: Answer) => {
    const call = waiting.get(answer.id);
    waiting.delete(answer.id);
    if ('error' in answer) {
      const { code, message, retryable } = answer.error;
      call?.reject(new StoreError(code, message, retryable));
    } else call?.resolve(answer.value);
  });
  const askOnce = (method: Method, args: readonly unknown[]): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const id = ++lastId;
      waiting.set(id, { resolve, reject });
      port.postMessage({ id, method, args } satisfies Call);
    });
  // nobody waits for an answer to this thread, and what it does is harmless when it is done twice
  const ask = (method: Method, args: readonly unknown[]): Promise<unknown> => outlasting(() => askOnce(method, args), told);
  return {
    async command(...args) {
      await ask('command', args);
    },
    async rows<T>(sql: string, params?: Record<string, unknown>) {
      // as bytes, which are quickly copied, and read here: the main thread has others to answer
      return rowsOf<T>(Buffer.from((await ask('ndjson', [sql, params])) as Uint8Array).toString());
    },
    async ndjson(...args) {
      return (await ask('ndjson', args)) as Uint8Array;
    },
    async insertRowBinary(table, structure, chunks, token) {
      if (bytesIn(chunks) === 0) return;
      const path = scratchPath(scratchDir);
      try {
        await outlasting(() => {
          rmSync(path, { force: true });
          writeScratch(path, chunks);
        }, told);
        await ask('insertFile', [table, structure, path, token]);
      } finally {
        rmSync(path, { force: true });
      }
    },
    async claim(...args) {
      await ask('claim', args);
    },
    close() {
      port.close();
      return Promise.resolve();
    },
  };
}
