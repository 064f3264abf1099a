/** `npm run test:month`: a month of many accounts by the scheduler alone, on a clock that samples move. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { progress } from '../../bench/progress.ts';
import { faultsOfMonth } from '../support/month-claims.ts';
import { simulateMonth } from '../support/month.ts';

const HELP = `Usage: npm run test:month [-- --accounts N]

A server with N accounts (1,000 by default) on a clock that samples move: opened, billed, paid from a bank's CSV, reminded, suspended,
resumed, corrected and charged by the day by its scheduler alone, March to May, and refunded; what it came to is compared with what each account did, and verified.
`;

const args = process.argv.slice(2);
const accounts =
  args.length === 0 ? 1_000 : args[0] === '--accounts' && /^[1-9]\d{0,4}$/.test(args[1] ?? '') ? Number(args[1]) : 0;
if (accounts === 0 || args.length > 2) {
  (args[0] === '--help' ? process.stdout : process.stderr).write(HELP);
  process.exit(args[0] === '--help' ? 0 : 2);
}
const dir = await mkdtemp(join(tmpdir(), 'uptally-month-'));
const beganMs = performance.now();
progress.start('month');
try {
  const end = await simulateMonth({
    ...{ dir, accounts },
    tell: (done, of, what) => {
      progress.at(done, of, what);
    },
  });
  progress.stop();
  const faults = faultsOfMonth(end);
  for (const fault of faults.slice(0, 20)) console.log(`WRONG ${fault}`);
  const seconds = Math.round((performance.now() - beganMs) / 1000);
  console.log(`${accounts} accounts, ${end.invoices.length} documents, ${end.runs.length} runs of the scheduler in ${seconds} s: ${faults.length === 0 ? 'all as it should be, and verified' : `${faults.length} wrong`}`); // prettier-ignore
  process.exitCode = faults.length === 0 ? 0 : 1;
} finally {
  progress.stop();
  await rm(dir, { recursive: true, force: true });
}
