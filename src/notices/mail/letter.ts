import { formatInstant } from '../../domain/instant.ts';
import { Moments } from '../../print/moments.ts';
import { causeText } from '../../print/words/causes.ts';
import { languageOf, wordsOf } from '../../print/words/language.ts';
import type { Notice } from '../record/notice.ts';
import { EN } from './words/en.ts';
import type { MailWords } from './words/words.ts';
import { ZH_HANS } from './words/zh-Hans.ts';
import { ZH_HANT } from './words/zh-Hant.ts';

const WORDS: Readonly<Record<ReturnType<typeof languageOf>, MailWords>> = { en: EN, 'zh-Hant': ZH_HANT, 'zh-Hans': ZH_HANS };
const SUBJECT_MAX = 200;
const GB = 1_000_000_000n;

/** A mail as it is read. */
export interface Letter {
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

/** What notices say to people, in a language and a time zone. */
export function letterOf(notices: readonly Notice[], language: string, zoneName: string): Letter {
  const tag = languageOf(language);
  const words = WORDS[tag];
  const moments = new Moments(zoneName, wordsOf(tag));
  const said = notices.map((notice) => ({
    sentence: sentenceOf(notice, words, tag, moments),
    account: notice.account,
    footer: filled(words.footer, {
      time: `${moments.dateTime(formatInstant(notice.atMs))} (${moments.zoneName})`,
      id: notice.id,
    }),
  }));
  const [only] = said;
  const subject = said.length === 1 && only !== undefined ? only.sentence : filled(words.several, { count: String(said.length) });
  const ofAccount = (account: string | null): string[] => (account === null ? [] : [`${words.account}: ${account}`]);
  return {
    subject: oneLine(subject),
    text: said.map(({ sentence, account, footer }) => [sentence, ...ofAccount(account), footer, ''].join('\n')).join('\n'),
    html: [
      `<!doctype html><html lang="${tag}"><head><meta charset="utf-8"><title>${escaped(oneLine(subject))}</title></head><body>`,
      ...said.map(({ sentence, account, footer }) => {
        const lines = [...ofAccount(account), footer].map(escaped).join('<br>');
        return `<p><strong>${escaped(sentence)}</strong><br><small>${lines}</small></p>`;
      }),
      '</body></html>',
    ].join('\n'),
  };
}

function sentenceOf({ type, data }: Notice, words: MailWords, tag: ReturnType<typeof languageOf>, moments: Moments): string {
  const facts: Record<string, string> = {};
  for (const [name, value] of Object.entries(JSON.parse(data) as Record<string, unknown>)) {
    if (typeof value === 'number') facts[name] = String(value);
    if (typeof value !== 'string') continue;
    if (name === 'cause') facts[name] = causeText(value, wordsOf(tag));
    else if (name.endsWith('_bytes')) facts[name] = gigabytes(BigInt(value));
    else facts[name] = /^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(value) ? moments.dateTime(value) : value;
    if (name === 'due_at' || name === 'deletes_at') facts[name] = moments.date(value);
  }
  if (facts['duration_ms'] !== undefined) facts['minutes'] = String(Math.round(Number(facts['duration_ms']) / 60_000));
  return oneLine(filled(words.says[type], facts));
}

/** Two decimals, cut. */
function gigabytes(bytes: bigint): string {
  const hundredths = (bytes * 100n) / GB;
  return `${hundredths / 100n}.${String(hundredths % 100n).padStart(2, '0')} GB`;
}

/** What is in braces, by its name; what there is nothing of is a dash. */
function filled(template: string, facts: Readonly<Record<string, string>>): string {
  return template.replace(/\{(\w+)\}/g, (_, name: string) => facts[name] ?? '–').trim();
}

/** One line of text, whatever was in it: a subject ends no header, and begins none. */
function oneLine(text: string): string {
  const characters = Array.from(text.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ').trim());
  return characters.length <= SUBJECT_MAX ? characters.join('') : `${characters.slice(0, SUBJECT_MAX).join('')}…`;
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}
