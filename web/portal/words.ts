/** What the portal says of its own; the rest is what all pages say. */
import { type Language, language, speak } from '../shared/words.ts';
import { en, type PortalKey, type PortalWords } from './words/en.ts';

let words: PortalWords = en;

/** Loads the words of the reader's language, or of one that was just chosen. */
export async function speakPortal(chosen?: Language): Promise<void> {
  await speak(chosen);
  const spoken = language();
  words =
    spoken === 'zh-Hans'
      ? (await import('./words/zh-Hans.ts')).zhHans
      : spoken === 'zh-Hant'
        ? (await import('./words/zh-Hant.ts')).zhHant
        : en;
}

export function tell(key: PortalKey, named: Readonly<Record<string, string>> = {}): string {
  return words[key].replaceAll(/\{(\w+)\}/g, (_, name: string) => named[name] ?? '');
}

/** The words of a code of the API; one that is newer than this page stands as it is. */
export function tellCode(family: string, code: string): string {
  const key = `${family}.${code}`;
  return Object.hasOwn(words, key) ? words[key as PortalKey] : code;
}
