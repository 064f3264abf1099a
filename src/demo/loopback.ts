import { once } from 'node:events';
import { createServer, connect, type AddressInfo } from 'node:net';

const CHUNK = Buffer.alloc(64 * 1024, 'uptally ');

/** Sends `bytes` over a TCP connection of 127.0.0.1 to itself; resolves with what came out at the other end. */
export async function sendOverLoopback(bytes: number): Promise<number> {
  let received = 0;
  const server = createServer((socket) => {
    socket.on('data', (chunk) => (received += chunk.length));
    socket.on('end', () => socket.end());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    await once(socket, 'connect');
    socket.resume();
    const closed = once(socket, 'close');
    for (let left = bytes; left > 0; left -= CHUNK.length) {
      if (!socket.write(CHUNK.subarray(0, Math.min(left, CHUNK.length)))) await once(socket, 'drain');
    }
    socket.end();
    await closed;
    return received;
  } finally {
    server.close();
  }
}
