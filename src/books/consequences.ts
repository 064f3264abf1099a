import { z } from 'zod';
import type { Entry } from '../journal/entry.ts';
import type { Projection } from '../journal/journal.ts';

/**
 * What follows when something is due and not paid, or over and not renewed. `reminder`, `suspended`, `resumed` are about an account, or about one VM where
 * a term of it is over; `expired`, `ended`, `deletion_due` about a VM.
 */
export const CONSEQUENCE_KINDS = ['reminder', 'suspended', 'resumed', 'expired', 'ended', 'deletion_due'] as const;
export type ConsequenceKind = (typeof CONSEQUENCE_KINDS)[number];

/** A consequence as it was carried out: added, never edited. */
export const consequenceBody = z.strictObject({
  account: z.string(),
  /** null: all of the account. */
  vm: z.string().nullable(),
  kind: z.enum(CONSEQUENCE_KINDS),
  /** When it was carried out: nothing holds from before that. */
  at: z.int(),
  /** From when on the terms had it so. */
  due_at: z.int(),
  /** Of a reminder. */
  level: z.int().nullable(),
  /** The invoice, or the charge of a day, that was not paid; of a term the instant at which it was over. */
  item: z.string().nullable(),
  /** What was open of all that was overdue. */
  amount_nanos: z.string().regex(/^\d+$/).nullable(),
  currency: z.string(),
  clause: z.string().nullable(),
  /** Of an end: when the service ended, and from when on its data may be deleted. */
  ends_at: z.int().nullable(),
  deletes_at: z.int().nullable(),
  /** Of the end of a suspension: what is known by now shows that it should not have been. */
  wrong: z.boolean(),
  by: z.string(),
});
export type ConsequenceBody = z.infer<typeof consequenceBody>;

export interface Consequence extends ConsequenceBody {
  readonly id: string;
  readonly recordedAtMs: number;
}

/** All consequences so far, by account, in the order in which they were carried out. */
export class ConsequenceBook implements Projection {
  readonly reading = { consequence: 'whole' } as const;
  readonly #byAccount = new Map<string, Map<string, Consequence>>();

  apply(entry: Entry): void {
    const body = consequenceBody.parse(JSON.parse(entry.body));
    const own = this.#byAccount.get(body.account) ?? new Map<string, Consequence>();
    this.#byAccount.set(body.account, own.set(entry.id, { ...body, id: entry.id, recordedAtMs: entry.recordedAtMs }));
  }

  of(account: string): Consequence[] {
    return [...(this.#byAccount.get(account)?.values() ?? [])];
  }
}
