/**
 * Sockets to the brokers that hand on whole answers only. kafkajs keeps the beginning of an answer for the next connection to the same broker
 * when one is cut in the middle of it, and then takes the first bytes of that connection for the rest: answers go to the wrong requests, or the
 * process ends with ERR_BUFFER_OUT_OF_BOUNDS (kafkajs issue 715). What never sees half an answer keeps none.
 */
import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { ISocketFactory } from 'kafkajs';

/** Every answer begins with its length, a big-endian 32-bit number (Kafka protocol guide, "Protocol Primitive Types", RequestOrResponse). */
const LENGTH_BYTES = 4;
/** Far more than any fetch asks for: whoever announces more is no broker. */
const ANSWER_BYTES_MAX = 256 * 1024 * 1024;
const KEEP_ALIVE_MS = 60_000;

/** Chunks as they come from a connection, cut into answers. */
export class Answers {
  #chunks: Buffer[] = [];
  #held = 0;
  #needed = LENGTH_BYTES;

  /** All answers that are whole with this chunk, as one buffer with their lengths; undefined when there is none. Throws RangeError when a length can't be one. */
  take(chunk: Buffer): Buffer | undefined {
    this.#chunks.push(chunk);
    this.#held += chunk.length;
    if (this.#held < this.#needed) return undefined;
    const bytes = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks, this.#held);
    let whole = 0;
    for (;;) {
      this.#needed = LENGTH_BYTES;
      if (bytes.length - whole < this.#needed) break;
      const length = bytes.readInt32BE(whole);
      if (length < 0 || length > ANSWER_BYTES_MAX) throw new RangeError(`an answer of ${length} bytes: this is no Kafka broker`);
      this.#needed += length;
      if (bytes.length - whole < this.#needed) break;
      whole += this.#needed;
    }
    this.#chunks = whole === bytes.length ? [] : [bytes.subarray(whole)];
    this.#held = bytes.length - whole;
    return whole === 0 ? undefined : bytes.subarray(0, whole);
  }
}

/** What kafkajs makes its connections with. */
export const brokerSocket: ISocketFactory = ({ host, port, ssl, onConnect }) => {
  // null without TLS, whatever the type says
  const tls = ssl as typeof ssl | null | undefined;
  const name = isIP(host) === 0 ? { servername: host } : {};
  const socket = tls ? connectTls({ host, port, ...name, ...tls }, onConnect) : connect({ host, port }, onConnect);
  socket.setKeepAlive(true, KEEP_ALIVE_MS);
  return withWholeAnswers(socket);
};

/** The same socket, whose readers get whole answers; what is incomplete when it ends is dropped with it. */
export function withWholeAnswers(socket: Socket): Socket {
  const answers = new Answers();
  const handOn = socket.push.bind(socket);
  socket.push = (chunk: Buffer | null): boolean => {
    if (chunk === null) return handOn(null);
    let whole: Buffer | undefined;
    try {
      whole = answers.take(chunk);
    } catch (error) {
      socket.destroy(error instanceof Error ? error : new Error(String(error)));
      return false;
    }
    return whole === undefined || handOn(whole);
  };
  return socket;
}
