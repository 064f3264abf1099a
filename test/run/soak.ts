/** `npm run soak`: kills under load in the distributed mode, many of them. */
import { serverMissing } from '../support/clickhouse-server.ts';
import { kafkaMissing } from '../support/kafka/jars.ts';
import { runVitest } from './vitest.ts';

const HELP = `Usage: npm run soak [-- [--kills N] [--seed N]]

Runs two processes of each role with a Kafka broker and a ClickHouse server, kills processes at random moments under load, starts them
again, and compares every row with the slow model in the end. About five seconds a kill.

  --kills N   how many SIGKILLs (default 200)
  --seed N    other moments, other samples (default 1)
`;

const given = new Map([['--kills', '200']]);
const args = process.argv.slice(2);
for (let i = 0; i < args.length; i += 2) {
  const [name = '', value = ''] = args.slice(i, i + 2);
  if ((name === '--kills' || name === '--seed') && /^\d{1,6}$/.test(value)) given.set(name, value);
  else {
    (name === '--help' ? process.stdout : process.stderr).write(HELP);
    process.exit(name === '--help' ? 0 : 2);
  }
}
const missing = [kafkaMissing(), serverMissing()].filter((reason) => reason !== undefined);
if (missing.length > 0) {
  process.stderr.write(`the soak was NOT run: ${missing.join('; ')}\n`);
  process.exitCode = 1;
} else {
  process.exitCode = await runVitest('vitest.distributed.config.ts', ['test/distributed/faults.test.ts', '-t', 'SIGKILLs'], {
    UPTALLY_TEST_KILLS: given.get('--kills') ?? '',
    UPTALLY_TEST_SEED: given.get('--seed') ?? '1',
  });
}
