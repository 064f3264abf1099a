import type { NoticeType } from '../../record/types.ts';

/** What mail says in a language. Names in braces are members of a notice's data, as people read them. */
export interface MailWords {
  /** One sentence each: the subject, and the first line. */
  readonly says: Readonly<Record<NoticeType, string>>;
  /** The subject of several: `{count}`. */
  readonly several: string;
  readonly account: string;
  /** `{id}`, `{time}`. */
  readonly footer: string;
}
