/** `npm run bench`: the suite's command line. */
import { Command, CommanderError } from 'commander';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { productRoot } from '../src/process/version.ts';
import { chartsOf, htmlPage } from './charts.ts';
import { conditions, load } from './conditions.ts';
import { guard } from './guard.ts';
import { body } from './http.ts';
import type { Report } from './harness.ts';
import { progress } from './progress.ts';
import { publish } from './publish.ts';
import { compare, markdown, printReport, type Run } from './report.ts';
import { storageBench } from './storage.ts';
import { BENCHES } from './suite.ts';
import { TARGETS } from './targets.ts';

const RESULTS = fileURLToPath(new URL('bench/results/', productRoot()));
const PUBLISHED = fileURLToPath(new URL('docs/measured/', productRoot()));
const say = (line: string): void => {
  console.log(line);
};

interface Options {
  readonly smoke?: true;
  readonly compare?: string;
  readonly out: string;
  readonly publish?: true;
}

function helpText(): string {
  const benches = Object.entries(BENCHES).map(
    ([name, { question, fairness }]) => `  ${name}\n${wrap(question)}\n${wrap(fairness)}`,
  );
  return `
Benches:
${benches.join('\n')}

Results of a run: RUN.json (what --compare reads), RUN.md, RUN.html with charts, RUN/*.svg, in the folder of --out.
Contenders take turns within each round, so a ratio stands even on a busy machine; absolute figures need a quiet one.

Environment:
  BENCH_FLEET_DIR     keeps the month of 10,000 VMs of queries and billing for the next run
  BENCH_PROFILE_DIR   writes a CPU profile of every server's threads there

Examples:
  npm run bench                              all of them: most of an hour
  npm run bench kernel ingest                these two
  npm run bench -- --smoke                   does every bench still run? (seconds, keeps nothing)
  npm run bench storage -- ./data            bytes a row of a stopped server's data
  npm run bench http -- --publish             and its figures into docs/measured
  npm run bench kernel -- --compare bench/results/RUN.json

Exit codes: 0 done, 1 failed, 2 wrong usage.
`;
}

function wrap(text: string): string {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + word.length < 100) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines.map((line) => `      ${line}`).join('\n');
}

async function runBenches(names: readonly string[], options: Options): Promise<number> {
  const unknown = names.filter((name) => !Object.hasOwn(BENCHES, name));
  if (unknown.length > 0) {
    console.error(`no bench is called ${unknown.join(', ')}; there are: ${Object.keys(BENCHES).join(', ')}`);
    return 2;
  }
  // read before hours are spent on what it is to be held against
  const earlier = options.compare === undefined ? undefined : readRun(options.compare);
  if (typeof earlier === 'string') {
    console.error(earlier);
    return 2;
  }
  let run: Run = { at: new Date().toISOString(), where: conditions(), reports: [] };
  for (const [name, bench] of Object.entries(BENCHES)) {
    if (names.length > 0 && !names.includes(name)) continue;
    progress.start(name);
    let report: Report;
    try {
      report = await (options.smoke === true ? bench.smoke() : bench.full());
    } finally {
      progress.stop();
    }
    run = { ...run, reports: [...run.reports, { ...report, loadAfter: load() }] };
    printReport(report, run.where, TARGETS, say);
    // after every bench: what was measured is kept if a later one fails
    if (options.smoke !== true) keep(run, options.out);
  }
  if (earlier !== undefined) compare(run, earlier, say);
  if (options.publish === true && options.smoke !== true) await publish(run, PUBLISHED);
  return 0;
}

function readRun(file: string): Run | string {
  try {
    const run = JSON.parse(readFileSync(file, 'utf8')) as Partial<Run>;
    if (!Array.isArray(run.reports) || run.where === undefined) return `${file} is not the JSON of a run`;
    return run as Run;
  } catch (error) {
    return `${file} can't be read: ${error instanceof Error ? error.message : String(error)}`;
  }
}

function keep(run: Run, folder: string): void {
  mkdirSync(folder, { recursive: true });
  const base = join(folder, run.at.replaceAll(':', '').slice(0, 15));
  writeFileSync(`${base}.json`, `${JSON.stringify(run, null, 1)}\n`);
  writeFileSync(
    `${base}.md`,
    markdown(run, (bench) => BENCHES[bench]?.fairness ?? '', TARGETS),
  );
  const charts = chartsOf(run);
  writeFileSync(`${base}.html`, htmlPage(run, charts));
  mkdirSync(base, { recursive: true });
  for (const [name, svg] of charts) writeFileSync(join(base, `${name}.svg`), svg);
}

/** Exit code: 0 done, 1 failed, 2 wrong usage. */
async function main(args: readonly string[]): Promise<number> {
  let code = 0;
  const program = new Command('npm run bench --')
    .description('Measures Uptally beside what else could do the work.')
    .exitOverride()
    .showHelpAfterError('(--help shows what is possible)');
  program
    .argument('[bench...]', 'the benches to run; all if none is named')
    .option('--smoke', 'only shows that they run: sizes for seconds, nothing is kept')
    .option('--compare <file>', 'prints every figure divided by that of an earlier run (its JSON)')
    .option('--out <folder>', 'where results go', RESULTS)
    .option('--publish', 'adds the figures to docs/measured/runs.md, by machine and commit; needs a tree without changes')
    .action(async (names: string[], options: Options) => {
      code = await runBenches(names, options);
    });
  program
    .command('guard')
    .description('has the kernel become slower? By counted instructions, which no load of the machine changes')
    .option('--record', 'writes down what is counted as what is expected from now on')
    .action(({ record = false }: { record?: boolean }) => {
      code = guard(record, say);
    });
  program
    .command('storage <data-dir>')
    .description('what the data of a stopped server takes on disk once merged, by table and column, and with other codecs')
    .action(async (dataDir: string) => {
      await storageBench(resolve(dataDir), say);
    });
  program
    .command('body')
    .description('the body of one request of the bench http, for whoever sends it by hand (docs/measured/http.md)')
    .action(() => {
      process.stdout.write(body());
    });
  program.addHelpText('after', helpText());
  try {
    await program.parseAsync(args, { from: 'user' });
    return code;
  } catch (error) {
    // commander has said it itself
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    console.error(error instanceof Error ? (error.stack ?? error.message) : String(error));
    return 1;
  }
}

process.exitCode = await main(process.argv.slice(2));
