/** The lines that a discount may be on. What a minimum, a maximum or a credit makes of a service is one with it. */
export const DISCOUNTED = ['service', 'traffic', 'flat', 'setup', 'add_on', 'fee'] as const;
export type Discounted = (typeof DISCOUNTED)[number];

/** A clause in the words of whoever agreed on it: one text for all languages, or one for each that documents are printed in. */
export type ClauseText = string | { readonly en: string; readonly 'zh-Hans': string; readonly 'zh-Hant': string };
