/** `npm run test:distributed`: the tests that need a real Kafka broker and a real ClickHouse server. */
import { serverMissing } from '../support/clickhouse-server.ts';
import { KAFKA_VERSION, kafkaMissing } from '../support/kafka/jars.ts';
import { runVitest } from './vitest.ts';

const HELP = `Usage: npm run test:distributed [-- [--allow-missing] [vitest's arguments]]

Starts a Kafka broker (${KAFKA_VERSION}, from Maven Central; needs Java 17 and, the first time, Maven) and a ClickHouse server (from the chdb
package; needs a C compiler) on 127.0.0.1, runs test/distributed, stops them.

  --allow-missing   exit with 0 when something that the tests need is not on this machine; what was not run is said all the same

Examples:
  npm run test:distributed
  npm run test:distributed -- test/distributed/faults
  UPTALLY_TEST_KAFKA_VERSION=4.3.1 npm run test:distributed
`;

const args = process.argv.slice(2);
if (args.includes('--help')) {
  process.stdout.write(HELP);
  process.exit(0);
}
const allowMissing = args.includes('--allow-missing');
const missing = [kafkaMissing(), serverMissing()].filter((reason) => reason !== undefined);
if (missing.length > 0) {
  process.stderr.write(`test/distributed was NOT run, none of it: ${missing.join('; ')}\n`);
  process.exitCode = allowMissing ? 0 : 1;
} else {
  process.exitCode = await runVitest(
    'vitest.distributed.config.ts',
    args.filter((arg) => arg !== '--allow-missing'),
  );
}
