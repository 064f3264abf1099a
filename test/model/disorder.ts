/** What happens to samples on their way: they are posted twice, contradicted, and overtaken. */
import fc from 'fast-check';
import { CAUSES, type Condition } from '../../src/domain/condition.ts';
import type { LoggedSample } from '../../src/verify/model/inforce.ts';
import { without } from './without.ts';

/** A sample of the log posted once more, at another place. */
export interface Repeat {
  readonly of: number;
  readonly at: number;
  readonly change: 'none' | 'agent' | 'condition' | 'counters' | 'epoch' | 'no_counters';
  readonly condition: Condition;
  readonly bytes: bigint;
}

export function repeatArbitrary(): fc.Arbitrary<Repeat> {
  return fc.record({
    of: fc.nat(999),
    at: fc.nat(999),
    change: fc.constantFrom(...(['none', 'none', 'agent', 'condition', 'counters', 'epoch', 'no_counters'] as const)),
    condition: fc.constantFrom<Condition>('up', ...CAUSES),
    bytes: fc.bigInt(0n, 1_000_000n),
  });
}

/** Posts some samples again, anywhere in the log: as they were (duplicates) or with other content (conflicts). */
export function withRepeats(samples: readonly LoggedSample[], repeats: readonly Repeat[]): LoggedSample[] {
  const log = [...samples];
  for (const { of, at, change, condition, bytes } of repeats) {
    const original = log[of % log.length];
    if (original === undefined) continue;
    const changed: Record<Repeat['change'], Partial<LoggedSample>> = {
      none: {},
      agent: { agent: 'agent-c' },
      condition: { condition },
      counters: { counters: { rx: original.part === 'tx' ? 0n : bytes, tx: original.part === 'rx' ? 0n : bytes + 1n } },
      epoch: { epoch: original.epoch === 7 ? 8 : 7 },
      no_counters: { counters: null },
    };
    // what says no state has counters, and what names a condition says one
    const kept =
      change === 'condition'
        ? without(original, 'saysNoState')
        : change === 'no_counters'
          ? without(original, 'saysNoState', 'part')
          : original;
    log.splice(at % (log.length + 1), 0, { ...kept, ...changed[change] });
  }
  return log;
}

/** Moves the sample at each index later by as many places as its number says. */
export function disordered(log: readonly LoggedSample[], delays: readonly number[]): LoggedSample[] {
  return log
    .map((sample, index) => ({ sample, rank: index + (delays[index] ?? 0) }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ sample }) => sample);
}
