/** The main thread's end of the aggregator. */
import { Worker } from 'node:worker_threads';
import { UnusableLogError } from '../../log/identity.ts';
import { compiledFile } from '../../process/compiled.ts';
import { serveStore } from '../../store/remote.ts';
import type { Store } from '../../store/store.ts';
import { Listening } from '../listening.ts';
import type { FromThread, ThreadSetup, ToThread } from './messages.ts';
import type { NewNames } from '../room.ts';
import type { Halted, Progress } from '../metering-status.ts';

export interface AggregatorThread {
  progress(): Progress;
  /** Why it takes nothing in any more; undefined when it does. */
  halted(): Halted | undefined;
  /** Resolves when the progress satisfies the condition; rejects when the thread has ended. */
  until(condition: (progress: Progress) => boolean): Promise<void>;
  /** The log has grown. */
  wake(): void;
  /** Names in these frames that the kernel does not know yet. */
  newNames(frames: Uint8Array): Promise<NewNames>;
  /** Takes in the log up to its head, saves the state and ends the thread. */
  stop(headSeq: number): Promise<void>;
}

export interface ThreadOptions extends Omit<ThreadSetup, 'storeEnd' | 'listening'> {
  /** The embedded store, which the thread reaches through this one; undefined for a server. */
  readonly store: Store | undefined;
  readonly onTrim: (beforeSeq: number) => void;
  readonly onNote: (message: string) => void;
  readonly onHalted: (halted: Halted) => void;
  /** The thread has failed: the process can't go on. */
  readonly onFatal: (error: Error) => void;
}

/** Starts the thread; resolves when it has brought its state back. */
export function startAggregatorThread(options: ThreadOptions): Promise<AggregatorThread> {
  const { store, onTrim, onNote, onHalted, onFatal, ...setup } = options;
  const served = store === undefined ? undefined : serveStore(store);
  const listening = new Listening();
  const worker = new Worker(compiledFile('aggregate/embedded/worker.js'), {
    workerData: { ...setup, storeEnd: served?.end, listening: listening.shared } satisfies ThreadSetup,
    transferList: served === undefined ? [] : [served.end.port],
  });
  const tell = (message: ToThread): void => {
    worker.postMessage(message);
  };

  let current: Progress | undefined;
  let halted: Halted | undefined;
  let ended: Error | undefined;
  let lastId = 0;
  const rooms = new Map<number, { resolve: (names: NewNames) => void; reject: (error: Error) => void }>();
  const watchers = new Set<{ condition: (progress: Progress) => boolean; resolve: () => void; reject: (error: Error) => void }>();

  const moved = (progress: Progress): void => {
    current = progress;
    for (const watcher of watchers) {
      if (!watcher.condition(progress)) continue;
      watchers.delete(watcher);
      watcher.resolve();
    }
  };
  const end = (error: Error): void => {
    ended ??= error;
    for (const waiting of [...watchers, ...rooms.values()]) waiting.reject(error);
    watchers.clear();
    rooms.clear();
  };

  return new Promise((ready, failed) => {
    let stopped: (() => void) | undefined;
    const fail = (error: Error): void => {
      end(error);
      failed(error);
      onFatal(error);
    };
    const handle: AggregatorThread = {
      progress() {
        if (current === undefined) throw new Error('the aggregator is not ready');
        return current;
      },
      halted: () => halted,
      until(condition) {
        return new Promise((resolve, reject) => {
          if (ended !== undefined) reject(ended);
          else if (halted !== undefined) reject(new Error(halted.detail));
          else if (current !== undefined && condition(current)) resolve();
          else watchers.add({ condition, resolve, reject });
        });
      },
      wake() {
        if (listening.take()) tell({ type: 'wake' });
      },
      newNames(frames) {
        return new Promise((resolve, reject) => {
          if (ended !== undefined) {
            reject(ended);
            return;
          }
          const id = ++lastId;
          rooms.set(id, { resolve, reject });
          tell({ type: 'room', id, frames });
        });
      },
      stop(headSeq) {
        return new Promise((resolve) => {
          if (ended !== undefined) resolve();
          stopped = resolve;
          tell({ type: 'stop', headSeq });
        });
      },
    };
    worker.on('message', (message: FromThread) => {
      switch (message.type) {
        case 'ready':
          moved(message.progress);
          ready(handle);
          break;
        case 'progress':
          moved(message.progress);
          break;
        case 'halted':
          ({ halted } = message);
          onHalted(message.halted);
          // what they wait for would come with records that can't be read
          for (const watcher of watchers) watcher.reject(new Error(message.halted.detail));
          watchers.clear();
          break;
        case 'room':
          rooms.get(message.id)?.resolve(message.names);
          rooms.delete(message.id);
          break;
        case 'trim':
          onTrim(message.beforeSeq);
          break;
        case 'note':
          onNote(message.message);
          break;
        case 'failed':
          fail(
            message.byIdentity
              ? new UnusableLogError(message.message)
              : Object.assign(new Error(`the aggregator failed: ${message.message}`), { stack: message.stack }),
          );
          break;
        case 'stopped':
          end(new Error('the aggregator has stopped'));
          served?.close();
          stopped?.();
          break;
      }
    });
    worker.on('error', (error) => {
      fail(error instanceof Error ? error : new Error(String(error)));
    });
    worker.on('exit', (code) => {
      if (ended === undefined) fail(new Error(`the aggregator's thread ended with code ${code}`));
    });
  });
}
