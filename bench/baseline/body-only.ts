/** The route that durable ingest is measured against: the same Fastify, the same bytes received, nothing done with them. */
import Fastify from 'fastify';
import { BODY_BYTES_MAX } from '../../src/kernel/decoder.ts';

const app = Fastify({ bodyLimit: BODY_BYTES_MAX });
app.removeAllContentTypeParsers();
app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => {
  done(null, body);
});
app.post('/v1/samples', (request, reply) => {
  const { length } = request.body as Buffer;
  void reply.code(length > 0 ? 202 : 400).header('content-type', 'application/json; charset=utf-8');
  return reply.send('{"accepted":100,"rejected":0,"errors":[]}');
});
const url = await app.listen({ host: '127.0.0.1', port: 0 });
console.log(`listens on ${url}`);
process.once('SIGTERM', () => {
  void app.close().then(() => process.exit(0));
});
