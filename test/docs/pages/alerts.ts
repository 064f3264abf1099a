import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { page, ROOT, wrapped } from './markdown.ts';

interface Rules {
  readonly groups: readonly {
    readonly rules: readonly {
      readonly alert: string;
      readonly expr: string;
      readonly for?: string;
      readonly labels: { readonly severity: string };
      readonly annotations: { readonly summary: string; readonly description: string };
    }[];
  }[];
}

/** Prometheus' templates as a person reads them. */
const plain = (text: string): string =>
  text.replaceAll(/\{\{ \$labels\.(\w+) \}\}/g, '‹$1›').replaceAll(/\{\{ \$value[^}]*\}\}/g, '‹value›');

export async function alertsPage(): Promise<string> {
  const { groups } = parse(readFileSync(join(ROOT, 'deploy/prometheus/alerts.yaml'), 'utf8')) as Rules;
  return await page('When an alert rings', '`deploy/prometheus/alerts.yaml`', [
    'What each says, and what to do. Their unit tests are in `deploy/prometheus/alerts.test.yaml`.',
    ...groups.flatMap(({ rules }) =>
      rules.flatMap(({ alert, expr, for: pending, labels, annotations }) => [
        '',
        `## ${alert}`,
        '',
        wrapped(`**${labels.severity}**: ${plain(annotations.summary)}.`),
        '',
        wrapped(annotations.description),
        '',
        ...(pending === undefined ? ['When:'] : [`When this holds for ${pending}:`]),
        '',
        '```promql',
        expr.replaceAll(/ (and|or) /g, '\n  $1 '),
        '```',
      ]),
    ),
  ]);
}
