/** The source that a post names in its path, or its key where the path is the sender's own. */
import { ProblemError } from '../../../problems/problem.ts';
import type { Protocol } from '../../../sources/mapping.ts';
import type { SourceInForce, Sources } from '../../../sources/sources.ts';
import type { RequestHead } from './receiver.ts';

/** Throws `source_unknown` where there is none of this name, or it speaks another protocol. */
export function sourceOf(
  { params, sources, key }: Pick<RequestHead, 'params' | 'sources' | 'key'>,
  protocol: Protocol,
): SourceInForce {
  const id = (params as { readonly source?: unknown } | null)?.source;
  if (id === undefined && key !== null) return sourceOfKey(key.name, sources, protocol);
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

function sourceOfKey(name: string, sources: Sources, protocol: Protocol): SourceInForce {
  const found = sources.ofKey?.(name, protocol);
  if (found !== undefined) return found;
  throw new ProblemError(
    'source_unknown',
    `no source of protocol ${protocol} names key ${name} among its keys: PUT /v1/sources/{id} with "keys", or post to /v1/receive/${protocol}/{source}`,
  );
}
