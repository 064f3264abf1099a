import { createHash } from 'node:crypto';
import { formatInstant } from '../../domain/instant.ts';
import { toJson } from '../../domain/json.ts';
import type { NoticeData, NoticeType } from './types.ts';

/** What is to be told, as it is found. */
export interface NoticeDraft {
  /** Follows from its cause: found again after a crash, it is the same notice. */
  readonly id: string;
  readonly type: NoticeType;
  /** null: staff's business. */
  readonly account: string | null;
  readonly atMs: number;
  /** JSON text. */
  readonly data: string;
}

/** A notice on record; they are delivered in the order of `n`. */
export interface Notice extends NoticeDraft {
  readonly n: bigint;
}

/** A notice by its cause: parts that name what it is about, and nothing that another look at the same would see otherwise. */
export function draftOf<T extends NoticeType>(
  type: T,
  cause: readonly (string | number)[],
  { account, atMs, data }: { readonly account: string | null; readonly atMs: number; readonly data: NoticeData<T> },
): NoticeDraft {
  const digest = createHash('sha256').update(JSON.stringify([type, account, ...cause]));
  return { id: `msg_${digest.digest('hex').slice(0, 26)}`, type, account, atMs, data: toJson(data) };
}

/** What is posted of a notice: the same bytes however often. */
export function bodyOf({ id, type, account, atMs, data }: NoticeDraft): string {
  return `{"id":"${id}","type":"${type}","timestamp":"${formatInstant(atMs)}","account":${toJson(account)},"data":${data}}`;
}
