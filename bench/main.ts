/** `npm run bench [name…] [--smoke]`: runs the benches named, or all; --smoke only shows that they run. `npm run bench guard`: guard.ts. */
import { billingBench } from './billing.ts';
import { guard } from './guard.ts';
import { conditions, print, save, type Report } from './harness.ts';
import { ingestBench } from './ingest.ts';
import { kernelBench } from './kernel.ts';
import { millionBench } from './million.ts';
import { queriesBench } from './queries.ts';

const BENCHES: Readonly<Record<string, (smoke: boolean) => Report | Promise<Report>>> = {
  kernel: (smoke) =>
    kernelBench(
      smoke
        ? { vms: 500, intervals: 14, warmups: 0, rounds: 2, manyVms: 5_000 }
        : { vms: 10_000, intervals: 35, warmups: 2, rounds: 9, manyVms: 1_000_000 },
    ),
  ingest: (smoke) =>
    ingestBench(
      smoke ? { vms: 2_000, intervals: 2, warmups: 0, rounds: 1 } : { vms: 10_000, intervals: 30, warmups: 1, rounds: 5 },
    ),
  queries: (smoke) =>
    queriesBench(smoke ? { accounts: 5, vmsAnAccount: 2, rounds: 2 } : { accounts: 1000, vmsAnAccount: 10, rounds: 25 }),
  billing: (smoke) =>
    billingBench(smoke ? { accounts: 5, vmsAnAccount: 2, rounds: 1 } : { accounts: 1000, vmsAnAccount: 10, rounds: 3 }),
  scale: (smoke) => (smoke ? millionBench(5_000, 3) : millionBench(1_000_000, 13)),
};

const RESULTS = new URL(import.meta.url.includes('/dist/') ? '../../bench/results/' : './results/', import.meta.url);

async function main(args: readonly string[]): Promise<number> {
  if (args[0] === 'guard') {
    return guard(args.includes('--record'), (line) => {
      console.log(line);
    });
  }
  const smoke = args.includes('--smoke');
  const asked = args.filter((arg) => arg !== '--smoke');
  const unknown = asked.filter((name) => BENCHES[name] === undefined);
  if (unknown.length > 0) {
    console.error(`no bench is called ${unknown.join(', ')}; there are: ${Object.keys(BENCHES).join(', ')}`);
    return 2;
  }
  for (const [name, bench] of Object.entries(BENCHES)) {
    if (asked.length > 0 && !asked.includes(name)) continue;
    const where = conditions();
    const report = await bench(smoke);
    print(report, where, (line) => {
      console.log(line);
    });
    if (!smoke) save(RESULTS, report, where, new Date());
  }
  return 0;
}

process.exitCode = await main(process.argv.slice(2));
