import { undecidedSilences } from '../billing/silences/undecided.ts';
import { hoursText } from '../print/words/words.ts';
import { LOOKBACK_MS, type Source } from './finding.ts';

/** Silences on which credits and refunds may hang, and of which nobody has said what they were. */
export const undecided: Source = {
  kinds: ['silence_undecided'],
  async part(context, { vm, account }, after) {
    const nowMs = context.businessNow();
    const groups = await undecidedSilences(context, { fromMs: Math.max(0, nowMs - LOOKBACK_MS), toMs: nowMs });
    const findings = groups
      .filter(({ id }) => id > after)
      .filter(({ silences, accounts }) => {
        const isOf = account === undefined || accounts.includes(account);
        return isOf && (vm === undefined || silences.some((each) => each.vm === vm));
      })
      .sort((a, b) => (a.id < b.id ? -1 : 1))
      .map(({ id, agent, fromMs, toMs, silences, openMs, accounts }) => {
        const vms = [...new Set(silences.map((each) => each.vm))];
        const who = `${vms.length === 1 ? `VM ${vms[0] ?? ''}` : `${vms.length} VMs`}${agent === null ? '' : ` of ${agent}`}`;
        const together = vms.length === 1 ? '' : ' together';
        return {
          key: id,
          kind: 'silence_undecided' as const,
          vm: vms.length === 1 ? (vms[0] ?? null) : null,
          account: accounts.length === 1 ? (accounts[0] ?? null) : null,
          sinceMs: fromMs,
          untilMs: toMs,
          words: `${who} fell silent${together}, ${hoursText(openMs, 'h', 'min')} in all, and nobody has said why`,
          whatToDo: `find out what it was and say so: uptally silences show ${id}, uptally silences decide ${id}`,
        };
      });
    return { findings, through: findings.at(-1)?.key ?? after, done: true };
  },
};
