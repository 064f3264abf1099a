/** What pages say, in the reader's language. Every language has every key, or the build fails. */
import { recall, remember } from './storage.ts';
import { type WordKey, type Words, en } from './words/en.ts';

export type { WordKey, Words } from './words/en.ts';

export const LANGUAGES = { en: 'English', 'zh-Hans': '简体中文', 'zh-Hant': '繁體中文' } as const;
export type Language = keyof typeof LANGUAGES;

const STORED = 'uptally-language';
let spoken: Language = 'en';
let words: Words = en;

export function language(): Language {
  return spoken;
}

function isLanguage(text: string | null): text is Language {
  return text !== null && Object.hasOwn(LANGUAGES, text);
}

/** The one that was chosen here, else the first of the browser's that there is. */
function preferred(): Language {
  const chosen = recall(STORED);
  if (isLanguage(chosen)) return chosen;
  for (const wanted of navigator.languages) {
    if (/^zh-(Hant|TW|HK|MO)/i.test(wanted)) return 'zh-Hant';
    if (/^zh/i.test(wanted)) return 'zh-Hans';
    if (/^en/i.test(wanted)) return 'en';
  }
  return 'en';
}

/** Loads the words of the reader's language, or of one that was just chosen. */
export async function speak(chosen?: Language): Promise<void> {
  const wanted = chosen ?? preferred();
  if (chosen !== undefined) remember(STORED, chosen);
  words =
    wanted === 'zh-Hans'
      ? (await import('./words/zh-Hans.ts')).zhHans
      : wanted === 'zh-Hant'
        ? (await import('./words/zh-Hant.ts')).zhHant
        : en;
  spoken = wanted;
  document.documentElement.lang = wanted;
}

/** A sentence, with what it names put in: `{count}`. */
export function say(key: WordKey, named: Readonly<Record<string, string | number>> = {}): string {
  return words[key].replaceAll(/\{(\w+)\}/g, (_, name: string) => String(named[name] ?? ''));
}

/** The words of a code of the API (`cause.provider`); a code that is newer than this page stands as it is. */
export function sayCode(family: string, code: string): string {
  const key = `${family}.${code}`;
  return Object.hasOwn(words, key) ? words[key as WordKey] : code;
}
