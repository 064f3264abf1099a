import { CONDITIONS } from '../../domain/condition.ts';
import type { Words } from './words.ts';

/** A cause as a language calls it; one that is not known stays as it is. */
export function causeText(cause: string, { causes }: Words): string {
  return isCause(cause) ? causes[cause] : cause;
}

function isCause(cause: string): cause is keyof Words['causes'] {
  return (CONDITIONS as readonly string[]).includes(cause) && cause !== 'up';
}
