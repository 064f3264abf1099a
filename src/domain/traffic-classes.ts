import { matchesAny } from './pattern.ts';

/** What a class of traffic is told by: the first one whose patterns name an interface has its traffic. */
interface NamedClass {
  readonly name: string;
  readonly nics: readonly string[];
}

/** The class of an interface; null: none names it, and its traffic is priced as the plan prices traffic at large. */
export function classOfNic(classes: readonly NamedClass[], nic: string): string | null {
  return classes.find(({ nics }) => matchesAny(nics, nic))?.name ?? null;
}
