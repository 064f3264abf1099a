/** The public port when workers take the requests: connections are accepted here, unread, and given away. */
import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { keepListening } from '../../http/listening.ts';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';

export interface PublicPort {
  readonly address: AddressInfo;
  /** No more connections from here on. */
  close(): void;
}

/** Listens; `localhost` is all addresses of that name, as for the API's own server. */
export async function openPublicPort(
  host: string,
  port: number,
  onConnection: (socket: Socket) => void,
  told: (error: Error) => void,
): Promise<PublicPort> {
  const servers: Server[] = [];
  const close = (): void => {
    for (const server of servers) server.close();
  };
  const listen = async (at: string, on: number): Promise<AddressInfo> => {
    const server = createServer({ pauseOnConnect: true, noDelay: true }, onConnection);
    server.listen(on, at);
    await once(server, 'listening');
    keepListening(server, told);
    servers.push(server);
    return server.address() as AddressInfo;
  };
  const address = await listen(host, port);
  if (host === 'localhost') {
    const others = (await lookup(host, { all: true })).filter(({ address: other }) => other !== address.address);
    // one of a family that the machine has not is none of its addresses
    for (const { address: other } of others) await listen(other, address.port).catch(() => undefined);
  }
  return { address, close };
}
