/** The kernel's memory map as the host uses it: `layout.gen.ts`, which the build writes from assembly/layout.ts. */
import { LAYOUT_FOLD, type OUTPUTS } from './layout.gen.ts';

export * from './layout.gen.ts';

export type Output = keyof typeof OUTPUTS;

/** Of the version before the fold was over every line; the state's places and meaning are today's. */
const FOLD_OF_CHOSEN_LINES = 2621391611;

/** Of the version whose frames said no more than the usual and before names were forgotten: where the mark now stands its states hold zeros. */
const FOLD_WITHOUT_MARK = 1632183037;

/** Of the version whose samples all said a state, which held for the staleness: nothing of it is set in its states. */
const FOLD_WITHOUT_HOLDS = 1218942079;

/** Of the version without chains of hosts and halves: it knew interfaces as such, which are as they were. */
const FOLD_WITHOUT_CHAINS = 3715123075;

/** Of the version that did not look for slips: which chains have jumped is read from what is on record. */
const FOLD_WITHOUT_SLIPS = 512033534;

/** Folds whose states this kernel reads as they are. A checkpoint of any other is passed over. */
export const READABLE_FOLDS: readonly number[] = [
  LAYOUT_FOLD,
  FOLD_WITHOUT_SLIPS,
  FOLD_WITHOUT_CHAINS,
  FOLD_WITHOUT_HOLDS,
  FOLD_WITHOUT_MARK,
  FOLD_OF_CHOSEN_LINES,
];
