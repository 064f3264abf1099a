/**
 * The process of an ingest worker. It gets connections from the main process, answers the posts of samples on them (receivers say which are theirs) and forwards the rest.
 * It lives as long as the main process wants it to: signals that a terminal or a supervisor sends to the whole group are the main
 * process' to act on, and when that one is gone this one ends too, whatever it is doing, so that nothing is answered that nobody stores.
 *
 * Fault points: `before-answer` and `after-answer` are passed here, the others in the main process. A point is where the whole server dies,
 * wherever it is passed: a worker that reaches one takes the main process along. How a worker dies alone its tests try from outside.
 */
import { rmSync } from 'node:fs';
import { Socket } from 'node:net';
import { dirname, join } from 'node:path';
import { clockOf } from '../../process/clock.ts';
import { killSelf } from '../../process/ending.ts';
import { faultsOf } from '../../process/faults.ts';
import { letHeapGrow } from '../../process/heap.ts';
import { Api } from '../../http/api.ts';
import { keyChecks } from '../../http/auth.ts';
import { bareServer, closeServer, makeLogger } from '../../http/bare-server.ts';
import { connectionsFor } from '../../http/connections.ts';
import { observeRequests } from '../../http/metrics.ts';
import { openFilesMax } from '../../process/process-files.ts';
import { ProductClock } from '../../process/product-clock.ts';
import { HeldSources } from '../../sources/held-sources.ts';
import type { Elect } from '../../sources/replicas/candidate.ts';
import { ingestPlugin } from '../plugin.ts';
import { RECEIVERS } from '../receivers/receivers.ts';
import { forwardTheRest } from './forward.ts';
import { MainLink } from './main-link.ts';
import { CONNECTION, type Setup, type ToWorker } from './messages.ts';
import { WorkerDoor } from './worker-door.ts';

const CLOCK_LOOK_MS = 1_000;
const COUNTS_MS = 1_000;

const link = new MainLink((items) => {
  // when nobody hears it any more, 'disconnect' says so
  process.send?.(items, undefined, undefined, () => undefined);
});
const mainPid = process.ppid;
const sockets = new Set<Socket>();
const sources = new HeldSources();
/** Its own, and one to the main process when what it asks is forwarded. */
const FILES_A_CONNECTION = 2;
let setup: Setup | undefined;
let accept: (socket: Socket) => void = (socket) => void socket.destroy();
let close = (): Promise<void> => {
  leave();
  return Promise.resolve();
};
let follow = (): void => undefined;
let closing = false;

function leave(): void {
  closing = true;
  process.disconnect();
}

letHeapGrow();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => undefined);
process.on('disconnect', () => {
  // nobody else is left to remove it
  if (!closing && setup !== undefined) rmSync(dirname(setup.mainSocket), { recursive: true, force: true });
  process.exit(0);
});
if (!process.connected) process.exit(0);
process.on('message', (message: typeof CONNECTION | readonly ToWorker[], handle: unknown) => {
  if (message === CONNECTION) {
    if (handle instanceof Socket) accept(handle);
    else link.say({ type: 'closed' }); // it was closed on its way
    return;
  }
  for (const item of message) {
    if (item.type === 'setup') void start(item.setup);
    else if (item.type === 'sources') sources.replace(item.sources);
    else if (item.type === 'close') void close();
    else if (item.type === 'follow') follow();
    else link.hear(item);
  }
});

async function start(given: Setup): Promise<void> {
  setup = given;
  const { worker, mainSocket, retentionDays, logLevel, bodiesBytesMax, forwardsMax } = given;
  const faults = faultsOf(process.env, () => {
    process.kill(mainPid, 'SIGKILL');
    killSelf();
  });
  const connectionsMax = Math.min(given.connectionsMax, connectionsFor(openFilesMax(), FILES_A_CONNECTION));
  const app = bareServer(makeLogger(logLevel).child({ worker }), {
    connectionsMax,
    onCut: (reason) => {
      link.say({ type: 'cut', reason });
    },
  });
  const api = new Api(app, keyChecks({ keys: link, onUnknownKey: (presented) => link.askKey(presented) }));
  observeRequests(app, (method, route, status, seconds) => {
    // what was forwarded the main process has counted
    if (route !== 'none') link.say({ type: 'request', method, route, status, seconds });
  });
  const stopForwarding = forwardTheRest(app, mainSocket, forwardsMax);
  const clock = new ProductClock({ clocks: { wallMs: clockOf(process.env, Date.now) }, aheadMs: given.clockAheadMs });
  follow = () => {
    clock.follow();
  };
  // a leap is noticed when it happens, also where nobody posts meanwhile
  setInterval(() => clock.nowMs(), CLOCK_LOOK_MS).unref();
  const tellCounts = (): void => {
    for (const [source, counts] of sources.counted()) {
      const told = [...counts.handOver()];
      if (told.length > 0) link.say({ type: 'source-counts', source, counts: told });
    }
  };
  setInterval(tellCounts, COUNTS_MS).unref();
  const door = new WorkerDoor(link, { now: () => clock.nowMs(), retentionDays, faults });
  const elect: Elect = async (asked) => {
    for (const group of await link.elect(asked)) sources.replicas.take(group);
  };
  const receivers = RECEIVERS.filter(({ inWorkers }) => inWorkers);
  await ingestPlugin(door, faults, { bodiesBytesMax, receivers, sources, elect })(api);
  // A place of its own, which nobody knows: connections come from the main process, but it is listening that starts Node's timeouts.
  await app.listen({
    path: join(dirname(mainSocket), `worker-${process.pid}`),
    listenTextResolver: () => 'the ingest worker takes requests',
  });

  accept = (socket) => {
    sockets.add(socket);
    socket.on('close', () => {
      sockets.delete(socket);
      link.say({ type: 'closed' });
      if (sockets.size === 0) drained();
    });
    // as the sockets that a server accepts itself: who has sent all is still answered
    socket.allowHalfOpen = true;
    app.server.emit('connection', socket);
  };
  let drained = (): void => undefined;
  close = async () => {
    await closeServer(app, async () => {
      if (sockets.size > 0) await new Promise<void>((resolve) => (drained = resolve));
    });
    stopForwarding();
    tellCounts();
    link.flush();
    leave();
  };
  link.say({ type: 'ready', connectionsMax });
}
