import { EN } from './en.ts';
import { ZH_HANS } from './zh-Hans.ts';
import { ZH_HANT } from './zh-Hant.ts';
import type { DocumentLanguage, Words } from './words.ts';

const WORDS: Readonly<Record<DocumentLanguage, Words>> = { en: EN, 'zh-Hant': ZH_HANT, 'zh-Hans': ZH_HANS };

/** All that is printed in a language. */
export function wordsOf(language: DocumentLanguage): Words {
  return WORDS[language];
}

/** The language a tag asks for: Chinese by script or place (zh alone is simplified), English for what we have no words in. */
export function languageOf(tag: string): DocumentLanguage {
  const parts = tag.toLowerCase().split('-');
  if (parts[0] !== 'zh') return 'en';
  if (parts.includes('hans')) return 'zh-Hans';
  return parts.some((part) => ['hant', 'tw', 'hk', 'mo'].includes(part)) ? 'zh-Hant' : 'zh-Hans';
}
