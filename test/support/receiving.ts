/** A receiver asked by itself: what a body becomes, and what is answered when all of it was accepted. */
import type { Receiver, ReceiverAnswer } from '../../src/ingest/receivers/shared/receiver.ts';
import { ProblemError } from '../../src/problems/problem.ts';
import { mappingOf, type SourceBody } from '../../src/sources/mapping.ts';
import { preset } from '../../src/sources/presets.ts';
import { Source } from '../../src/sources/source.ts';
import { SourceInForce } from '../../src/sources/sources.ts';

export interface Received {
  readonly answer: ReceiverAnswer;
  /** The body in the binary format. */
  readonly body: Buffer;
  readonly counts: Readonly<Record<string, number>>;
}

export interface Posting {
  readonly source: SourceBody;
  readonly headers?: Readonly<Record<string, string>>;
  readonly url?: string;
  readonly query?: object;
}

/** Posts a body; a problem is answered as the receiver says it. */
export function receive(
  receiver: Receiver,
  body: string | Uint8Array,
  { source, headers = {}, url = '/', query = {} }: Posting,
): Received {
  const mapping = mappingOf(source, preset);
  if (!('protocol' in mapping)) throw new Error(JSON.stringify(mapping));
  const inForce = new SourceInForce('s', [{ fromMs: 0, source: new Source(mapping) }]);
  const head = { headers, url, params: { source: 's' }, query, key: null, sources: { find: () => inForce } };
  try {
    const exchange = receiver.open(head);
    const translated = Buffer.concat(exchange.read([Buffer.from(body)]));
    const answer = exchange.answer({ accepted: 1, rejected: 0, errors: [], rejectedByCode: [] }, []);
    return { answer, body: translated, counts: Object.fromEntries(inForce.counts.all()) };
  } catch (error) {
    if (!(error instanceof ProblemError) || receiver.refuse === undefined) throw error;
    return { answer: receiver.refuse(error, head), body: Buffer.alloc(0), counts: Object.fromEntries(inForce.counts.all()) };
  }
}
