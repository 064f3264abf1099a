/** What a run found, as lines for a terminal, as Markdown, and held against an earlier run. */
import type { Conditions } from './conditions.ts';
import type { Measured, Report } from './harness.ts';
import { type Target, verdict } from './targets.ts';

/** One run of the suite: what is kept as JSON. */
export interface Run {
  readonly at: string;
  readonly where: Conditions;
  readonly reports: readonly (Report & { readonly loadAfter: number })[];
}

export type FigureKind = 'rate' | 'time' | 'ratio' | 'value';

export interface Figure extends Measured {
  readonly kind: FigureKind;
  readonly unit: string;
}

/** Every figure of a report, in the order in which people read them. */
export function figuresOf(report: Report): Figure[] {
  const as = (kind: FigureKind, unit: string) => (each: Measured) => ({ ...each, kind, unit });
  return [
    ...report.rates.map(as('rate', '/s')),
    ...(report.times ?? []).map(as('time', 'ms')),
    ...(report.values ?? []).map((each) => ({ ...each, kind: 'value' as const })),
    ...report.ratios.map(as('ratio', '×')),
  ];
}

export function written(value: number, { kind, unit }: Pick<Figure, 'kind' | 'unit'>): string {
  if (!Number.isFinite(value)) return '–';
  if (kind === 'rate') return value >= 1e6 ? `${(value / 1e6).toFixed(2)} M/s` : `${digits(value)} /s`;
  if (kind === 'time') return value < 10_000 ? `${digits(value)} ms` : `${(value / 1000).toFixed(1)} s`;
  return `${digits(value)} ${unit}`;
}

/** Three digits that count. */
function digits(value: number): string {
  const size = Math.abs(value);
  if (size >= 1000) return Math.round(value).toLocaleString('en');
  return value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : 2);
}

export const spread = (figure: Figure): string => `${written(figure.lowest, figure)} … ${written(figure.highest, figure)}`;

/** One line a figure. */
export function printReport(report: Report, where: Conditions, targets: readonly Target[], write: (line: string) => void): void {
  write(`${report.bench}: ${report.question}`);
  write(`  work      ${pairs(report.work)} hash=${report.workHash}`);
  write(`  machine   ${pairs({ ...where })}`);
  const figures = figuresOf(report);
  const width = Math.max(...figures.map(({ name }) => name.length));
  for (const figure of figures) {
    const count = `${figure.rounds.length} ${figure.rounds.length === 1 ? 'round' : 'rounds'}`;
    const found = verdict(targets, report.bench, figure);
    const aim = found === undefined ? '' : `  [${found.text}: ${found.met ? 'met' : 'NOT met'}]`;
    write(`  ${figure.name.padEnd(width)}  ${written(figure.median, figure).padStart(12)}  (${spread(figure)}, ${count})${aim}`);
  }
  for (const each of report.series ?? []) write(`  chart ${each.id}: ${each.sentence}`);
  for (const each of report.skipped ?? []) write(`  left out: ${each}`);
}

/** A run as a page. `charts` are the names of picture files beside it, by bench. */
export function markdown(run: Run, fairness: (bench: string) => string, targets: readonly Target[]): string {
  const lines = [
    `# Benchmark of ${run.at.slice(0, 16).replace('T', ' ')} UTC`,
    '',
    `Commit ${run.where.commit}; Node ${run.where.node}; ${run.where.cores} cores of ${run.where.cpu}; ${run.where.memoryGiB} GiB; Linux ${run.where.kernel}; load before ${run.where.loadBefore}.`,
    'Median of the rounds, and the lowest and highest. Ratios are taken within a round.',
  ];
  for (const report of run.reports) {
    lines.push('', `## ${report.bench}`, '', `**${report.question}**`, '', fairness(report.bench), '');
    lines.push(`Work: ${pairs(report.work)}; hash ${report.workHash}. Load after: ${report.loadAfter}.`, '');
    lines.push('| figure | median | lowest … highest | rounds | target |', '|---|---:|---|---:|---|');
    for (const figure of figuresOf(report)) {
      const found = verdict(targets, report.bench, figure);
      const aim = found === undefined ? '' : `${found.text} ${found.met ? '✓' : '✗'}`;
      lines.push(`| ${figure.name} | ${written(figure.median, figure)} | ${spread(figure)} | ${figure.rounds.length} | ${aim} |`);
    }
    for (const each of report.series ?? []) lines.push('', `Chart \`${each.id}\`: ${each.sentence}`);
    for (const each of report.skipped ?? []) lines.push('', `Left out: ${each}`);
  }
  return `${lines.join('\n')}\n`;
}

/** Every figure that both runs have, this one divided by the earlier one. */
export function compare(now: Run, then: Run, write: (line: string) => void): void {
  write(`against ${then.at} (commit ${then.where.commit}), now ÷ then; below 1 is less, which for times and costs is better`);
  if (then.where.cpu !== now.where.cpu || then.where.cores !== now.where.cores)
    write(`  another machine then (${then.where.cores} cores of ${then.where.cpu}): only ratios mean anything`);
  for (const report of now.reports) {
    const other = then.reports.find(({ bench }) => bench === report.bench);
    if (other === undefined) {
      write(`  ${report.bench}: not in the earlier run`);
      continue;
    }
    if (other.workHash !== report.workHash) write(`  ${report.bench}: the work was another then (its hash differs)`);
    const before = figuresOf(other);
    for (const figure of figuresOf(report)) {
      const old = before.find(({ kind, name }) => kind === figure.kind && name === figure.name);
      if (old === undefined) continue;
      write(
        `  ${report.bench} | ${figure.name}: ${(figure.median / old.median).toFixed(2)} × (${written(old.median, old)} → ${written(figure.median, figure)})`,
      );
    }
  }
}

function pairs(values: Readonly<Record<string, string | number>>): string {
  return Object.entries(values)
    .map(([key, value]) => `${key}=${value}`)
    .join(' ');
}
