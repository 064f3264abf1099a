import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { item, page, ROOT, sentence, wrapped } from './markdown.ts';

/** Gauges that only some roles have: `gauge('name', 'help', …)` in the parts of a process. */
function gaugesOfRoles(): Map<string, string> {
  const folder = join(ROOT, 'src/app');
  const made = /(?:gauge|gaugesOf\(registry\))\(\s*'([a-z_]+)',\s*(?:'([^']+)'|"([^"]+)")/g;
  return new Map(
    readdirSync(folder).flatMap((file) =>
      [...readFileSync(join(folder, file), 'utf8').matchAll(made)].map(
        ([, name = '', single, double]) => [`uptally_${name}`, single ?? double ?? ''] as const,
      ),
    ),
  );
}

/** @param exposition what a server says at `/metrics` */
export async function metricsPage(exposition: string): Promise<string> {
  const kinds = new Map([...exposition.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = '', kind = '']) => [name, kind]));
  const shown = new Map([...exposition.matchAll(/^# HELP (\S+) (.+)$/gm)].map(([, name = '', help = '']) => [name, help]));
  const ours = [...shown].filter(([name]) => name.startsWith('uptally_'));
  const ofRoles = [...gaugesOfRoles()].filter(([name]) => !shown.has(name));
  const line = ([name, help]: readonly [string, string]): string =>
    item(`\`${name}\` (${kinds.get(name) ?? 'gauge'}): ${sentence(help)}.`);
  return await page('Metrics', "a server's `/metrics` and `src/app`", [
    wrapped(
      '`/metrics` is Prometheus text and needs no key. Counts are gauges: they are those of the log since it began, whichever process tells them. Partitions have the label `partition`, rejected samples `code`, requests `method`, `route` and `status`.',
    ),
    '',
    '## Of every server',
    '',
    ...ours.toSorted().map(line),
    '',
    '## Of some processes',
    '',
    'With ingest workers, or with Kafka as the log.',
    '',
    ...ofRoles.toSorted().map(line),
    '',
    '## Of Node.js and the process',
    '',
    wrapped(
      "prom-client's own, of the main process alone: `process_*` (CPU, memory, open files) and `nodejs_*` (event loop, collections of the heap, handles). Which there are hangs on the version of Node.js.",
    ),
  ]);
}
