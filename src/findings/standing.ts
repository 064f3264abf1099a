import { formatInstant } from '../domain/instant.ts';
import { LOOKBACK_MS, type Source } from './finding.ts';

/** What following up on what was due got wrong. */

const ACCOUNTS_A_PART = 5_000;

/** Accounts that were suspended although, by what was booked later with an earlier instant, nothing was overdue. */
export const suspendedWrongly: Source = {
  kinds: ['suspended_wrongly'],
  part(context, { vm, account }, after) {
    if (vm !== undefined) return Promise.resolve({ findings: [], through: after, done: true });
    const sinceMs = context.businessNow() - LOOKBACK_MS;
    const left = context.catalog.accountIds().filter((id) => id > after && (account === undefined || id === account));
    const ids = left.slice(0, ACCOUNTS_A_PART);
    const findings = ids.flatMap((id) => {
      const all = context.books.consequences.of(id);
      return all.flatMap((end, i) => {
        if (!end.wrong || end.at < sinceMs) return [];
        const began = all.slice(0, i).findLast(({ kind, vm: of }) => kind === 'suspended' && of === null);
        return [
          {
            ...{ key: id, kind: 'suspended_wrongly' as const, vm: null, account: id },
            ...{ sinceMs: began?.at ?? null, untilMs: end.at },
            words: `account ${id} was suspended until ${formatInstant(end.at)}, and what has been booked since shows that nothing was overdue`,
            whatToDo: `GET /v1/accounts/${id}/standing; tell the customer, and make it good where that is owed`,
          },
        ];
      });
    });
    return Promise.resolve({ findings, through: ids.at(-1) ?? after, done: left.length <= ACCOUNTS_A_PART });
  },
};
