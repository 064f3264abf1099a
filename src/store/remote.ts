/**
 * A store over a message port. The embedded ClickHouse belongs to the main thread (a worker thread that ends would take the engine with
 * it), so the aggregator's thread asks for what it needs through here.
 */
import type { MessagePort } from 'node:worker_threads';
import { type Store, StoreError } from './store.ts';

type Method = 'command' | 'rows' | 'ndjson' | 'insertRowBinary' | 'claim';

interface Call {
  readonly id: number;
  readonly method: Method;
  readonly args: readonly unknown[];
}

type Answer =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: { code: string; message: string; retryable: boolean } };

/** Answers calls from the port with the store, any number at a time. */
export function serveStore(port: MessagePort, store: Store): void {
  const carryOut = async ({ method, args }: Call): Promise<unknown> => {
    switch (method) {
      case 'command':
        return store.command(...(args as Parameters<Store['command']>));
      case 'rows':
        return store.rows(...(args as Parameters<Store['rows']>));
      case 'ndjson':
        return store.ndjson(...(args as Parameters<Store['ndjson']>));
      case 'insertRowBinary':
        return store.insertRowBinary(...(args as Parameters<Store['insertRowBinary']>));
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
}

/** The store at the other end of the port. Errors arrive as StoreError, with code and message. */
export function remoteStore(port: MessagePort): Store {
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
  const ask = (method: Method, args: readonly unknown[], transfer: readonly ArrayBuffer[] = []): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const id = ++lastId;
      waiting.set(id, { resolve, reject });
      port.postMessage({ id, method, args } satisfies Call, transfer);
    });
  return {
    async command(...args) {
      await ask('command', args);
    },
    async rows<T>(sql: string, params?: Record<string, unknown>) {
      return (await ask('rows', [sql, params])) as T[];
    },
    async ndjson(...args) {
      return (await ask('ndjson', args)) as Uint8Array;
    },
    async insertRowBinary(table, structure, chunks, token) {
      // bytes that own their memory move without a copy; a slice of a pool would take its neighbours along
      const own = chunks.flatMap((chunk) =>
        chunk.buffer instanceof ArrayBuffer && chunk.byteLength === chunk.buffer.byteLength && chunk.byteLength > 0
          ? [chunk.buffer]
          : [],
      );
      await ask('insertRowBinary', [table, structure, chunks, token], own);
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
