/** The partitions' aggregators as the main thread sees them: a thread that is told to stop and tells how far it is. */
import { Worker } from 'node:worker_threads';
import { compiledFile } from '../../process/compiled.ts';
import { serveStore } from '../../store/remote.ts';
import type { Store } from '../../store/store.ts';
import { UnusableLogError } from '../../log/identity.ts';
import type { FromGroup, GroupSetup, GroupState, ToGroup } from './messages.ts';

export interface GroupThread {
  state(): GroupState;
  /** Saves the states, leaves the group and ends the thread. */
  stop(graceMs: number): Promise<void>;
}

export interface GroupThreadOptions extends Omit<GroupSetup, 'storeEnd'> {
  /** The embedded store, which the thread reaches through this one; undefined for a server. */
  readonly store: Store | undefined;
  readonly onNote: (message: string, detail: object) => void;
  /** The thread has failed: the process can't go on. */
  readonly onFatal: (error: Error) => void;
}

/** Starts the thread; it joins the group when it can. */
export function startGroupThread(options: GroupThreadOptions): GroupThread {
  const { store, onNote, onFatal, ...setup } = options;
  const served = store === undefined ? undefined : serveStore(store);
  const worker = new Worker(compiledFile('aggregate/group/worker.js'), {
    workerData: { ...setup, storeEnd: served?.end } satisfies GroupSetup,
    transferList: served === undefined ? [] : [served.end.port],
  });
  let current: GroupState = { joined: false, storeOutage: null, partitions: [] };
  let ended = false;
  let stopped: () => void = () => undefined;
  const end = (): void => {
    ended = true;
    served?.close();
    stopped();
  };
  const fail = (error: Error): void => {
    if (ended) return;
    end();
    onFatal(error);
  };
  worker.on('message', (message: FromGroup) => {
    switch (message.type) {
      case 'state':
        current = message.state;
        break;
      case 'note':
        onNote(message.message, message.detail ?? {});
        break;
      case 'failed':
        fail(
          message.byIdentity
            ? new UnusableLogError(message.message)
            : Object.assign(new Error(`the aggregators failed: ${message.message}`), { stack: message.stack }),
        );
        break;
      case 'stopped':
        end();
        break;
    }
  });
  worker.on('error', (error) => {
    fail(error instanceof Error ? error : new Error(String(error)));
  });
  worker.on('exit', (code) => {
    fail(new Error(`the aggregators' thread ended with code ${code}`));
  });
  return {
    state: () => current,
    stop(graceMs) {
      return new Promise((resolve) => {
        stopped = resolve;
        if (ended) resolve();
        else worker.postMessage({ type: 'stop', graceMs } satisfies ToGroup);
      });
    },
  };
}
