/** `npm run bench -- --publish`: figures of runs as a page of docs/measured, by bench, machine and commit. Nobody writes that page by hand. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { format } from 'prettier';
import type { Conditions } from './conditions.ts';
import { figuresOf, type Figure, spread, written, type Run } from './report.ts';

/** What is kept of a bench's run: its figures, where and when. */
export interface Published {
  readonly bench: string;
  readonly question: string;
  readonly at: string;
  readonly where: Conditions;
  readonly loadAfter: number;
  readonly work: Readonly<Record<string, number | string>>;
  readonly figures: readonly Figure[];
}

const machineOf = ({ cores, cpu, memoryGiB }: Conditions): string => `${cores} cores of ${cpu}, ${memoryGiB} GiB`;

/** Adds a run to those before it; of one bench, machine and commit the newest stays. */
export function merged(before: readonly Published[], run: Run): Published[] {
  const added = run.reports.map((report) => ({
    bench: report.bench,
    question: report.question,
    at: run.at,
    where: run.where,
    loadAfter: report.loadAfter,
    work: report.work,
    figures: figuresOf(report),
  }));
  const key = ({ bench, where }: Published): string => `${bench} ${machineOf(where)} ${where.commit}`;
  const replaced = new Set(added.map(key));
  return [...added, ...before.filter((each) => !replaced.has(key(each)))].sort(
    (a, b) => a.bench.localeCompare(b.bench) || b.at.localeCompare(a.at),
  );
}

/** The page. */
export function pageOf(all: readonly Published[]): string {
  const lines = [
    '# Runs',
    '',
    'Written by `npm run bench NAME -- --publish`, and by nothing else: change a figure by measuring it again. What they mean,',
    'and what limits them, is on the [page beside](README.md). Medians of the rounds, with the lowest and highest; absolute',
    'figures of a machine with a load above its cores are those of a busy machine.',
  ];
  for (const bench of new Set(all.map((each) => each.bench))) {
    lines.push('', `## ${bench}`);
    for (const { at, where, loadAfter, work, figures } of all.filter((each) => each.bench === bench)) {
      lines.push('', `### ${bench}, commit ${where.commit}, ${at.slice(0, 16).replace('T', ' ')} UTC`, '');
      lines.push(`- ${machineOf(where)}; Linux ${where.kernel}; Node ${where.node}`);
      lines.push(`- load ${where.loadBefore} before, ${loadAfter} after`);
      for (const [name, value] of Object.entries(work)) lines.push(`- ${name}: ${value}`);
      lines.push('', '| figure | median | lowest … highest | rounds |', '|---|---:|---|---:|');
      for (const figure of figures)
        lines.push(`| ${figure.name} | ${written(figure.median, figure)} | ${spread(figure)} | ${figure.rounds.length} |`);
    }
  }
  return `${lines.join('\n')}\n`;
}

/** Writes runs.json and runs.md in a folder. A run of changes that are not committed is refused: nobody could repeat it. */
export async function publish(run: Run, folder: string): Promise<void> {
  if (!/^[0-9a-f]{7,40}$/.test(run.where.commit))
    throw new Error(`what ran is commit ${run.where.commit}: commit first, or nobody can repeat what is published`);
  mkdirSync(folder, { recursive: true });
  const file = join(folder, 'runs.json');
  const before = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Published[]) : [];
  const all = merged(before, run);
  writeFileSync(file, await format(JSON.stringify(all), { parser: 'json', printWidth: 130 }));
  writeFileSync(join(folder, 'runs.md'), await format(pageOf(all), { parser: 'markdown', printWidth: 130 }));
}
