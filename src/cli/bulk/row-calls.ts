import type { ApiError } from '../../client/wire/api-error.ts';
import { patiently } from '../terminal/patiently.ts';
import type { CliContext } from '../terminal/context.ts';

/** Repeats the call of a row while the server is away: whatever it did is found done. */
export function patient<T>(context: CliContext, call: () => Promise<T>): Promise<T> {
  return patiently(context, () => undefined, call);
}

/** Whether a row is what is wrong, not the key or the server. */
export function isAboutRow({ status }: ApiError): boolean {
  return status === 400 || status === 404 || status === 409 || status === 412 || status === 413 || status === 422;
}
