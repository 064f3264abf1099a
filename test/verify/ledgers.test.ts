import { describe, expect, it } from 'vitest';
import { seeds } from '../support/seeds.ts';
import { bookedInAnyOrder } from './ledgers/booking-order.ts';
import { complaint, wrongOf } from './ledgers/holds.ts';
import { SHEETS, storyOf, told } from './ledgers/story.ts';

/**
 * Random accounts, to which everything happens that can happen to money, in the product and in the model (`npm run test:ledgers` for as many as one
 * likes). UPTALLY_TEST_SEEDS=100-200 chooses which.
 */
describe('random ledgers', () => {
  it('are what the model says, in whatever order they were recorded and wherever the process died: Σ entries is the balance, and nothing goes back twice', async () => {
    for (const seed of seeds(1_000)) {
      const story = storyOf(seed);
      const wrong = await wrongOf(story, false);
      if (wrong !== undefined) expect.fail(await complaint(story));
    }
  }, 300_000);

  it('late fees of days come to the same in whatever order charges and payments were booked', async () => {
    for (const seed of seeds(100)) await bookedInAnyOrder(seed);
  }, 120_000);

  it('are of all five sheets, and a story is told step by step', () => {
    const stories = seeds(200).map(storyOf);
    expect(new Set(stories.map(({ sheet }) => sheet))).toEqual(new Set(SHEETS));
    const steps = new Set(stories.flatMap(({ steps }) => steps.map(({ does }) => does)));
    expect(steps.size).toBe(19);
    expect(told({ seed: 7, sheet: 'ipcats', isDaily: false, taxPercent: 6, steps: [{ does: 'waits', hours: 3, cut: { insert: 1, rows: 0 } }] })).toBe(
      'seed 7: under ipcats, 6 % tax\n  1. waits (hours 3), and dies in insert 1 of it with 0 rows written',
    );
  }); // prettier-ignore
});
