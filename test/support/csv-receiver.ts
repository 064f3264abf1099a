/**
 * A protocol that nobody has: lines of CSV, which become the binary format. It wants of a receiver what those of real protocols want: a key spelled
 * their way, compression of its own, a source in the path, an answer that counts what came, and problems in words of its own.
 */
import { inflateSync } from 'node:zlib';
import { z } from 'zod';
import type { Exchange, Receiver, RequestHead } from '../../src/ingest/receivers/shared/receiver.ts';
import { BODY_BYTES_MAX } from '../../src/kernel/decoder.ts';
import { ProblemError } from '../../src/problems/problem.ts';
import { encodeBinaryAt } from '../../src/samples/binary-writer.ts';

const params = z.object({ source: z.string() });

export const csvReceiver: Receiver = {
  name: 'csv',
  keys: ['token', 'basic', 'bearer'],
  inWorkers: true,
  needsCatalog: false,
  contentTypes: ['text/csv'],
  routes: [
    {
      ...{ method: 'POST', path: '/v1/receive/csv/{source}', tag: 'samples', summary: 'Post lines', params },
      body: { 'text/csv': z.string().describe('vm,nic,ts,rx,tx') },
      ...{ answers: { 204: { description: 'Durable' } }, problems: ['bad_request', 'body_too_large'] },
    },
  ],
  besides: [
    {
      ...{ method: 'GET', path: '/v1/receive/csv/{source}/ping', tag: 'samples', summary: 'Is there anybody?', params },
      ...{ roles: null, answers: { 204: { description: 'Yes' } }, problems: [] },
      answer: () => ({ status: 204, headers: { 'x-csv-version': '1' } }),
    },
  ],
  inflates: () => false,
  open,
  refuse: ({ status, headers, detail }) => ({
    status,
    headers: { ...headers, 'content-type': 'text/plain' },
    body: `error: ${detail}\n`,
  }),
};

function open({ headers, params: parts }: RequestHead): Exchange {
  if (headers['content-type'] !== 'text/csv') throw new ProblemError('unsupported_media_type', 'lines come as text/csv');
  const { source } = params.parse(parts);
  let written = 0;
  return {
    format: 'binary',
    read(body) {
      const samples = textOf(body, headers['content-encoding']).split('\n').filter(Boolean).map(sampleOf);
      written = samples.length;
      return [encodeBinaryAt(samples)];
    },
    answer: ({ rejected }) => ({
      status: rejected === 0 ? 204 : 422,
      headers: { 'x-csv-written': String(written), 'x-csv-source': source, 'x-csv-process': String(process.pid) },
      ...(rejected === 0 ? {} : { body: `${rejected} of ${written} lines are not taken\n` }),
    }),
  };
}

function textOf(body: readonly Uint8Array[], encoding: string | undefined): string {
  const bytes = Buffer.concat(body);
  if (encoding === undefined) return bytes.toString('utf8');
  if (encoding !== 'deflate') throw new ProblemError('unsupported_encoding', 'lines may be sent as they are or with deflate');
  try {
    return inflateSync(bytes, { maxOutputLength: BODY_BYTES_MAX }).toString('utf8');
  } catch {
    throw new ProblemError('body_too_large', 'lines have at most 8 MiB, inflated');
  }
}

function sampleOf(line: string, index: number) {
  const [, vm, nic, ts, rx, tx] = /^([\w.-]{1,64}),([\w.-]{0,32}),(\d{1,15}),(\d{1,19}),(\d{1,19})$/.exec(line) ?? [];
  if (vm === undefined || nic === undefined || rx === undefined || tx === undefined)
    throw new ProblemError('bad_request', `line ${index + 1} is not vm,nic,ts,rx,tx`);
  return { vm, nic, atMs: Number(ts), counters: { rxBytes: BigInt(rx), txBytes: BigInt(tx), epoch: 0 }, downCause: null };
}
