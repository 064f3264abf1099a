/** What a mapping makes of a captured body, series by series, without a server: the same decoders, asked through a source that writes down its answers. */
import type { Mapping } from '../../sources/mapping.ts';
import { type Outcome, type Series, Source } from '../../sources/source.ts';
import { SourceInForce } from '../../sources/sources.ts';
import type { Labels } from '../../sources/template.ts';
import { ProblemError } from '../../problems/problem.ts';
import { RECEIVERS } from './receivers.ts';
import type { RequestHead } from './shared/receiver.ts';

/** One series of a body, and what the mapping says of it. */
export interface CheckedSeries {
  readonly name: string;
  readonly labels: Labels;
  readonly answer: Series | Outcome;
}

export interface CheckedBody {
  readonly series: readonly CheckedSeries[];
  /** What became of the points, by `SourceCounts`. */
  readonly counts: ReadonlyMap<string, number>;
  /** Samples that the body would come to. */
  readonly samples: number;
}

/** Series that are written down; the rest are counted. */
const SERIES_MAX = 100_000;

class WrittenDown extends Source {
  readonly seen: CheckedSeries[] = [];

  override series(name: string, labels: Labels): Series {
    return this.#note(name, labels, super.series(name, labels));
  }

  override line(name: string, atMs: number, labels: Labels): Outcome {
    return this.#note(name, labels, super.line(name, atMs, labels));
  }

  #note<T extends Series | Outcome>(name: string, labels: Labels, answer: T): T {
    if (this.seen.length < SERIES_MAX) this.seen.push({ name, labels: new Map(labels), answer });
    return answer;
  }
}

/**
 * Reads a body as it would be posted to a source of this mapping.
 * @param headers as the sender gives them; what a capture usually lacks is filled in by protocol
 * Throws ProblemError where the body would be refused.
 */
export function checkBody(mapping: Mapping, body: Uint8Array, headers: Readonly<Record<string, string>> = {}): CheckedBody {
  const receiver = RECEIVERS.find(({ name }) => name === mapping.protocol);
  if (receiver === undefined)
    throw new ProblemError('source_unknown', `protocol ${mapping.protocol} is not posted: the agent asks for it`);
  const source = new WrittenDown(mapping);
  const inForce = new SourceInForce('check', [{ fromMs: 0, source }]);
  const head: RequestHead = {
    headers: { ...usualHeaders(mapping.protocol, body), ...headers },
    ...{ url: '/', params: { source: 'check' }, query: {}, key: null },
    sources: { find: () => inForce },
  };
  const exchange = receiver.open(head);
  exchange.read([body]);
  exchange.answer({ accepted: 0, rejected: 0, errors: [], rejectedByCode: [] }, [body]);
  const counts = inForce.counts.all();
  return { series: source.seen, counts, samples: counts.get('taken') ?? 0 };
}

function usualHeaders(protocol: string, body: Uint8Array): Record<string, string> {
  if (protocol === 'prometheus') return { 'content-type': 'application/x-protobuf', 'content-encoding': 'snappy' };
  const first = String.fromCharCode(body[0] ?? 0);
  if (protocol === 'otlp') return { 'content-type': first === '{' ? 'application/json' : 'application/x-protobuf' };
  if (protocol === 'cloudevents')
    return { 'content-type': first === '[' ? 'application/cloudevents-batch+json' : 'application/cloudevents+json' };
  return protocol === 'influx' ? { 'content-type': 'text/plain' } : { 'content-type': 'application/json' };
}
