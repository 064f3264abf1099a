/** A server that goes on listening when the process has no file left for a new connection. */
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { isFileLimit } from '../process/process-files.ts';

/**
 * Without a listener an error of `accept` would end the process; and one that is only heard comes again at once, without end, as long as
 * the connection waits. So one file is kept for it: it is let go, the connection is taken with it, and closed.
 * @param told of every such error
 * @param makeRoom lets another connection go; answers whether there was one
 */
export function keepListening(server: Server, told: (error: Error) => void, makeRoom: () => boolean = () => false): void {
  let spare = openSpare();
  let closed = false;
  server.on('error', (error) => {
    if (!isFileLimit(error)) throw error;
    told(error);
    if (makeRoom() || spare === undefined) return;
    closeSync(spare);
    spare = undefined;
  });
  server.prependListener('connection', (socket: Socket) => {
    if (spare !== undefined || closed) return;
    socket.destroy();
    spare = openSpare();
  });
  server.on('close', () => {
    closed = true;
    if (spare !== undefined) closeSync(spare);
  });
}

/** Takes the connections of one more address for a server that listens already, so that its limits are theirs too. */
export async function listenBeside(main: Server, address: string, port: number, told: (error: Error) => void): Promise<Server> {
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
    main.emit('connection', socket);
  });
  server.listen(port, address);
  await once(server, 'listening');
  keepListening(server, told);
  return server;
}

function openSpare(): number | undefined {
  try {
    return openSync('/dev/null', 'r');
  } catch {
    return undefined;
  }
}
