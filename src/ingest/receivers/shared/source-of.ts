/** The source that a post names in its path. */
import { ProblemError } from '../../../problems/problem.ts';
import type { Protocol } from '../../../sources/mapping.ts';
import type { SourceInForce } from '../../../sources/sources.ts';
import type { RequestHead } from './receiver.ts';

/** Throws `source_unknown` where there is none of this name, or it speaks another protocol. */
export function sourceOf({ params, sources }: Pick<RequestHead, 'params' | 'sources'>, protocol: Protocol): SourceInForce {
  const id = (params as { readonly source?: unknown } | null)?.source;
  const name = typeof id === 'string' ? id : '';
  const found = sources.find(name);
  if (found === undefined)
    throw new ProblemError(
      'source_unknown',
      `there is no source ${JSON.stringify(name.slice(0, 64))}: PUT /v1/sources/{id} makes one`,
    );
  if (found.protocol !== protocol)
    throw new ProblemError(
      'source_unknown',
      `source ${name} is of protocol ${found.protocol}, and this is the path of ${protocol}`,
    );
  return found;
}
