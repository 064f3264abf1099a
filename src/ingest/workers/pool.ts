/** The ingest workers of a main process: started, replaced when they die, given the connections of the public port, and closed. */
import { type ChildProcess, fork } from 'node:child_process';
import type { Socket } from 'node:net';
import type { Logger } from 'pino';
import { compiledFile } from '../../process/compiled.ts';
import { afterOwnTime } from '../../process/patience.ts';
import { isFileLimit } from '../../process/process-files.ts';
import { CONNECTION, type FromWorker, Outbox, type Setup, type ToWorker } from './messages.ts';

/** So many deaths within a minute are no accidents. */
const DEATHS_MAX = 10;
const DEATHS_WITHIN_MS = 60_000;
/** A dead worker's successor waits this long, and twice as long after every further death of the last minute. */
const RESTART_MS = 50;
const RESTART_MAX_MS = 5_000;
/** A worker that is to close bounds itself (`closeServer`); after this long it is stuck. */
const CLOSE_PATIENCE_MS = 7_000;

export interface PoolOptions {
  readonly workers: number;
  readonly setup: Omit<Setup, 'worker' | 'clockAheadMs'>;
  /** How far the time that the product goes by is ahead of the machine's, now. */
  readonly clockAheadMs?: () => number;
  /** What every worker is told after its setup. */
  readonly first?: () => readonly ToWorker[];
  readonly onItem: (item: FromWorker, say: (item: ToWorker) => void) => void;
  /** Connections that wait for a worker, or are on their way to one: each is a file of this process. */
  readonly waitingMax: number;
  /** Told of a connection that was closed because there are more. */
  readonly onDropped: () => void;
  readonly logger: Logger;
  /** Of time that passes, not of the day. */
  readonly monotonicMs: () => number;
  readonly onFatal: (error: Error) => void;
  /** Another process in a worker's place, for tests of those that die. */
  readonly fork?: () => ChildProcess;
}

interface Worker {
  readonly number: number;
  readonly child: ChildProcess;
  readonly outbox: Outbox<ToWorker>;
  /** Connections that are to be sent to it. */
  readonly sending: Set<Socket>;
  /** Connections that it was given and has not closed. */
  connections: number;
  /** How many it takes. */
  connectionsMax: number;
  ready: boolean;
}

export class WorkerPool {
  readonly #options: PoolOptions;
  readonly #workers = new Set<Worker>();
  readonly #waiting: Socket[] = [];
  readonly #restarts = new Set<NodeJS.Timeout>();
  #deathsAtMs: number[] = [];
  #closing = false;
  #onReady: () => void = () => undefined;
  #onGivenUp: (error: Error) => void = () => undefined;

  private constructor(options: PoolOptions) {
    this.#options = options;
  }

  /** Resolves when all workers can take requests. */
  static async start(options: PoolOptions): Promise<WorkerPool> {
    const pool = new WorkerPool(options);
    await new Promise<void>((resolve, reject) => {
      pool.#onReady = () => {
        if (pool.ready === options.workers) resolve();
      };
      pool.#onGivenUp = reject;
      for (let number = 1; number <= options.workers; number++) pool.#start(number);
    });
    return pool;
  }

  /** Workers that take requests. */
  get ready(): number {
    return [...this.#workers].filter((worker) => worker.ready).length;
  }

  /** Connections that the workers have. */
  get connections(): number {
    return [...this.#workers].reduce((sum, { connections }) => sum + connections, 0);
  }

  /** Connections that all workers may have. */
  get connectionsMax(): number {
    return [...this.#workers].reduce((sum, { connectionsMax }) => sum + connectionsMax, 0);
  }

  /** Says something to every worker. */
  sayToAll(item: ToWorker): void {
    for (const { outbox } of this.#workers) outbox.say(item);
  }

  /** Gives a connection, of which nothing was read, to the worker with the fewest. */
  give(socket: Socket): void {
    let chosen: Worker | undefined;
    for (const worker of this.#workers) {
      if (worker.ready && (chosen === undefined || worker.connections < chosen.connections)) chosen = worker;
    }
    if (this.#closing) socket.destroy();
    else if (this.#underway >= this.#options.waitingMax) {
      socket.destroy();
      this.#options.onDropped();
    } else if (chosen !== undefined) this.#send(chosen, socket);
    else this.#waiting.push(socket);
  }

  /** Connections that no worker has yet. */
  get #underway(): number {
    let sum = this.#waiting.length;
    for (const { sending } of this.#workers) sum += sending.size;
    return sum;
  }

  #send(worker: Worker, socket: Socket): void {
    worker.connections++;
    worker.sending.add(socket);
    // Node sends one after another, each when the one before has arrived. Kept open here until then: what a worker's death leaves over,
    // Node would neither send nor close.
    worker.child.send(CONNECTION, socket, { keepOpen: true }, (error) => {
      if (!worker.sending.delete(socket)) return;
      if (error === null) {
        socket.destroy();
        return;
      }
      worker.ready = false;
      this.give(socket);
    });
  }

  #start(number: number): void {
    let child: ChildProcess;
    try {
      child = (this.#options.fork ?? forkWorker)();
    } catch (error) {
      if (!isFileLimit(error)) throw error;
      this.#options.logger.error({ err: error, worker: number }, 'no file is left to start an ingest worker with: later');
      this.#startLater(number, RESTART_MAX_MS);
      return;
    }
    const outbox = new Outbox<ToWorker>((items) => {
      // one that could not be started has no channel, and 'error' says so; one that is gone hears nothing, and 'exit' says so
      if (child.pid !== undefined) child.send(items, () => undefined);
    });
    const worker: Worker = { number, child, outbox, sending: new Set(), connections: 0, connectionsMax: 0, ready: false };
    this.#workers.add(worker);
    const say = outbox.say.bind(outbox);
    child.on('message', (items: FromWorker[]) => {
      for (const item of items) {
        if (item.type === 'ready') this.#isReady(worker, item.connectionsMax);
        else if (item.type === 'closed') worker.connections--;
        else this.#options.onItem(item, say);
      }
    });
    child.on('error', (error) => {
      this.#options.logger.error({ err: error, worker: number }, 'an ingest worker could not be started or told');
      if (child.pid !== undefined) return;
      // that passes, and is no fault of the worker's
      if (isFileLimit(error) && this.#workers.delete(worker)) this.#startLater(number, RESTART_MAX_MS);
      else this.#died(worker, 'it could not be started');
    });
    child.on('exit', (code, signal) => {
      this.#died(worker, signal === null ? `code ${String(code)}` : signal);
    });
    outbox.say({
      type: 'setup',
      setup: { ...this.#options.setup, worker: number, clockAheadMs: this.#options.clockAheadMs?.() ?? 0 },
    });
    for (const item of this.#options.first?.() ?? []) outbox.say(item);
  }

  #isReady(worker: Worker, connectionsMax: number): void {
    worker.connectionsMax = connectionsMax;
    worker.ready = true;
    for (const socket of this.#waiting.splice(0)) this.give(socket);
    this.#onReady();
  }

  #died(worker: Worker, how: string): void {
    if (!this.#workers.delete(worker)) return;
    const unsent = [...worker.sending];
    worker.sending.clear();
    for (const socket of unsent) this.give(socket);
    if (this.#closing) return;
    const { logger, monotonicMs, onFatal } = this.#options;
    const nowMs = monotonicMs();
    this.#deathsAtMs = [...this.#deathsAtMs.filter((atMs) => atMs > nowMs - DEATHS_WITHIN_MS), nowMs];
    const deaths = this.#deathsAtMs.length;
    if (deaths >= DEATHS_MAX) {
      const error = new Error(`ingest workers ended ${deaths} times within a minute, the last with ${how}`);
      this.#onGivenUp(error);
      onFatal(error);
      return;
    }
    const afterMs = Math.min(RESTART_MAX_MS, RESTART_MS * 2 ** (deaths - 1));
    logger.error({ worker: worker.number, pid: worker.child.pid, how, afterMs }, 'an ingest worker ended: it is replaced');
    this.#startLater(worker.number, afterMs);
  }

  #startLater(number: number, afterMs: number): void {
    if (this.#closing) return;
    const restart = setTimeout(() => {
      this.#restarts.delete(restart);
      this.#start(number);
    }, afterMs);
    this.#restarts.add(restart);
  }

  /** Lets the workers finish what was begun; resolves when all have ended and everything that they said was heard. */
  async close(): Promise<void> {
    this.#closing = true;
    for (const restart of this.#restarts) clearTimeout(restart);
    for (const socket of this.#waiting.splice(0)) socket.destroy();
    const ended = [...this.#workers].map(({ child }) => endOf(child));
    this.sayToAll({ type: 'close' });
    const cancelKill = afterOwnTime(CLOSE_PATIENCE_MS, () => {
      for (const { number, child } of this.#workers) {
        this.#options.logger.error({ worker: number }, 'an ingest worker did not end: it is killed');
        child.kill('SIGKILL');
      }
    });
    await Promise.all(ended);
    cancelKill();
  }
}

/** The process has ended and its channel is empty. */
async function endOf(child: ChildProcess): Promise<void> {
  await Promise.all([
    new Promise<void>((resolve) => {
      if (child.exitCode !== null || child.signalCode !== null) resolve();
      else
        child.once('exit', () => {
          resolve();
        });
    }),
    new Promise<void>((resolve) => {
      if (!child.connected) resolve();
      else child.once('disconnect', resolve);
    }),
  ]);
}

function forkWorker(): ChildProcess {
  return fork(compiledFile('ingest/workers/worker.js'), [], {
    env: ownEnvironment(process.env),
    execArgv: [],
    serialization: 'advanced',
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
}

/** No setting and no secret of ours: what a worker needs it is told. Tests' clocks and faults it has. */
function ownEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !/^UPTALLY_(?!TEST_)/.test(name)));
}
