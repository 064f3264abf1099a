import type { FastifyReply } from 'fastify';

const JSON_TYPE = 'application/json; charset=utf-8';
/** Clients and proxies give up after a minute or two without a byte; white space before JSON is JSON. */
const BEAT_MS = 10_000;

/**
 * Answers with the JSON text that `work` comes to. What takes longer than a beat has its head sent, and a space a beat, so that nobody
 * between takes the connection for dead. A failure after that can't be told by a status any more: the connection is cut, as if the process had
 * died, and the same request again finds what was done.
 */
export async function answerInTime(
  reply: FastifyReply,
  status: number,
  work: () => Promise<string>,
  beatMs = BEAT_MS,
): Promise<FastifyReply> {
  const head = { sent: false };
  const beat = setInterval(() => {
    if (!head.sent) {
      head.sent = true;
      reply.hijack();
      reply.raw.writeHead(status, { 'content-type': JSON_TYPE });
    }
    reply.raw.write(' ');
  }, beatMs);
  try {
    const text = await work();
    if (head.sent) reply.raw.end(text);
    else await reply.code(status).type(JSON_TYPE).send(text);
  } catch (error) {
    if (!head.sent) throw error;
    reply.log.error({ err: error, reqId: reply.request.id }, 'a call failed after its answer had been begun');
    reply.raw.destroy();
  } finally {
    clearInterval(beat);
  }
  return reply;
}
