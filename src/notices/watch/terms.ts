import { formatInstant } from '../../domain/instant.ts';
import { termsEverNamed } from '../../terms/agreed.ts';
import { draftOf, type NoticeDraft } from '../record/notice.ts';
import type { Watch } from './watch.ts';

/** Versions of terms that were announced and are not in force yet, for each account that they are agreed with. */
export const termsWatch: Watch = {
  name: 'terms',
  everyMs: 60_000,
  // eslint-disable-next-line @typescript-eslint/require-await
  async *look({ context, nowMs }) {
    const { catalog, termsLibrary } = context;
    const ahead = termsLibrary
      .ids()
      .flatMap((id) => termsLibrary.versions(id).map(({ sheet }) => sheet))
      .filter(
        ({ announced_at: announcedAt, effective_from: from }) => announcedAt !== null && announcedAt <= nowMs && from > nowMs,
      );
    if (ahead.length === 0) return;
    for (const account of catalog.accountIds()) {
      const agreed = new Set(catalog.vmsOf(account).flatMap((id) => {
        const vm = catalog.vm(id)?.body;
        return vm === undefined ? [] : [...termsEverNamed(context, vm)];
      })); // prettier-ignore
      yield ahead.flatMap(({ id, version, announced_at: announcedAt, effective_from: from }): NoticeDraft[] => {
        if (!agreed.has(id) || announcedAt === null) return [];
        const data = { terms: id, version, announced_at: formatInstant(announcedAt), from: formatInstant(from) };
        return [draftOf('terms.announced', [id, version], { account, atMs: announcedAt, data })];
      });
    }
  },
};
