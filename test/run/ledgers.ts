/** `npm run test:ledgers`: random ledgers, each held against the model. */
import { progress } from '../../bench/progress.ts';
import { complaint, holds } from '../verify/ledgers/holds.ts';
import { storyOf } from '../verify/ledgers/story.ts';

const HELP = `Usage: npm run test:ledgers -- [--ledgers N] [--from SEED]

N random accounts (1,000 by default), one a seed from SEED (1) on: charged (by hand, too), invoiced, paid, refunded, granted, corrected, paid out and cut off in the midst of it under
each of the five sheets. What the product makes of each is held against the model. A ledger that does not hold is shortened and told; whoever
wants several cores, or goes on where a run was ended, says from which seed.
`;
/** So many stories are told; all others that do not hold are counted. */
const TOLD_MAX = 5;

const args = process.argv.slice(2);
const numbers = new Map([['--ledgers', 1_000], ['--from', 1]]); // prettier-ignore
for (let i = 0; i < args.length; i += 2) {
  const [name = '', value = ''] = args.slice(i, i + 2);
  if (!numbers.has(name) || !/^[1-9]\d{0,8}$/.test(value)) {
    (name === '--help' ? process.stdout : process.stderr).write(HELP);
    process.exit(name === '--help' ? 0 : 2);
  }
  numbers.set(name, Number(value));
}
const ledgers = numbers.get('--ledgers') ?? 0;
const from = numbers.get('--from') ?? 1;
const beganMs = performance.now();
const done = { steps: 0, refused: 0, deaths: 0 };
const wrong: number[] = [];
progress.start('ledgers');
try {
  for (let nth = 0; nth < ledgers; nth += 1) {
    const seed = from + nth;
    progress.at(nth, ledgers, wrong.length === 0 ? `seed ${seed}` : `seed ${seed}, ${wrong.length} wrong`);
    const story = storyOf(seed);
    try {
      const { refused, deaths } = await holds(story);
      done.steps += story.steps.length;
      done.refused += refused.length;
      done.deaths += deaths;
    } catch {
      wrong.push(seed);
      if (wrong.length <= TOLD_MAX) console.log(await complaint(story));
    }
  }
} finally {
  progress.stop();
}
const seconds = Math.round((performance.now() - beganMs) / 1000);
const end =
  wrong.length === 0 ? 'all are what the model says' : `${wrong.length} are not: seeds ${wrong.slice(0, 20).join(', ')}`;
console.log(`${ledgers} ledgers of ${done.steps} steps (${done.refused} refused, ${done.deaths} deaths) in ${seconds} s: ${end}`);
process.exitCode = wrong.length === 0 ? 0 : 1;
