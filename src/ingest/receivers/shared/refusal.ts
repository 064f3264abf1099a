/** Refusals that all senders of sources understand alike: what is to be sent again is 503, since some drop what is answered 429 or 500. */
import { ProblemError } from '../../../problems/problem.ts';
import { MalformedError } from './protobuf.ts';

export interface Refusal {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

const AGAIN_SECONDS = 5;

export function refusalOf({ status, headers, code, detail }: ProblemError): Refusal {
  const again = status === 429 || status >= 500;
  return {
    status: again ? 503 : status,
    headers: { ...(again ? { 'retry-after': String(AGAIN_SECONDS) } : {}), ...headers },
    text: `${code}: ${detail}`,
  };
}

/** Reads a body; what is malformed of it is told as `bad_request`. */
export function readOr<T>(what: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof MalformedError) throw new ProblemError('bad_request', `the body is no ${what}: ${error.message}`);
    throw error;
  }
}
