import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';

/** An event as it came, checked by an implementation of Standard Webhooks that is not ours. */
export interface ReceivedEvent {
  readonly id: string;
  readonly type: string;
  readonly account: string | null;
  readonly data: Record<string, unknown>;
  readonly headers: IncomingMessage['headers'];
  readonly path: string;
}

export type Answering = (response: ServerResponse, event: ReceivedEvent) => void;

export interface WebhookReceiver {
  readonly url: string;
  readonly events: ReceivedEvent[];
  /** Why an event was not to be believed. */
  readonly faults: string[];
  /** With this secret events are checked from now on. */
  secret: string | undefined;
  /** How it answers from now on; at first 204. */
  answering: Answering;
  close(): Promise<void>;
}

export const answer =
  (status: number, headers: Record<string, string> = {}): Answering =>
  (response) => {
    response.writeHead(status, headers).end();
  };

/** A receiver of webhooks on loopback. */
export async function webhookReceiver(port = 0): Promise<WebhookReceiver> {
  const receiver: WebhookReceiver = {
    get url() {
      return `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
    },
    events: [],
    faults: [],
    secret: undefined,
    answering: answer(204),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const text = Buffer.concat(chunks).toString('utf8');
      const { headers } = request;
      try {
        if (receiver.secret !== undefined) new Webhook(receiver.secret).verify(text, headers as Record<string, string>);
      } catch (error) {
        receiver.faults.push(String(error));
      }
      const event = { ...(JSON.parse(text) as Omit<ReceivedEvent, 'headers' | 'path'>), headers, path: request.url ?? '' };
      if (event.id !== headers['webhook-id']) receiver.faults.push(`${event.id} came as ${String(headers['webhook-id'])}`);
      receiver.events.push(event);
      receiver.answering(response, event);
    });
  });
  server.listen(port, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  return receiver;
}
