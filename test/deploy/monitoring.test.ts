/** What `deploy/` tells Prometheus and Grafana to look at is what a server says. */
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { ADMIN_KEY, postLines, startServer, type TestServer, untilStored } from '../support/server.ts';
import { installed, ran, ROOT } from './program.ts';

interface Dashboard {
  readonly panels: readonly {
    readonly id: number;
    readonly title: string;
    readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
    readonly targets?: readonly { readonly expr: string }[];
  }[];
}
interface Rules {
  readonly groups: readonly { readonly rules: readonly { readonly alert: string; readonly expr: string }[] }[];
}

const read = (path: string): string => readFileSync(join(ROOT, 'deploy', path), 'utf8');
const dashboard = JSON.parse(read('grafana/dashboards/uptally.json')) as Dashboard;
const alerts = (parse(read('prometheus/alerts.yaml')) as Rules).groups.flatMap(({ rules }) => rules);
const expressions = [
  ...dashboard.panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => [`panel “${title}”`, expr] as const)),
  ...alerts.map(({ alert, expr }) => [`alert ${alert}`, expr] as const),
];
/** Metrics that Prometheus makes itself. */
const OF_PROMETHEUS = new Set(['up']);

/** The names in a query that are followed by labels, a range, or nothing: neither functions nor labels. */
function metricsIn(expr: string): string[] {
  const bare = expr
    .replace(/"[^"]*"/g, '""')
    .replace(/\{[^}]*\}/g, '')
    .replace(/\b(by|on|without|ignoring|group_left|group_right)\s*\([^)]*\)/g, '');
  const words = bare.match(/[a-zA-Z_:][a-zA-Z0-9_:]*(?!\w|\s*\()/g) ?? [];
  return words.filter((word) => !/^(and|or|unless|bool|offset|by|[smhd])$/.test(word) && !OF_PROMETHEUS.has(word));
}

describe('monitoring', () => {
  let dir: string;
  let server: TestServer;
  let exposed: Set<string>;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'uptally-monitoring-'));
    server = await startServer({ dir });
    await postLines(server, ADMIN_KEY, [`{"vm":"v1","ts":${Date.now()}}`]);
    await untilStored(server);
    const { text } = await server.call('/metrics', { key: null });
    // what only processes of some roles show is in the page that is written from the code
    const page = readFileSync(join(ROOT, 'docs/reference/metrics.md'), 'utf8');
    exposed = new Set(
      [
        ...text.matchAll(/^([a-zA-Z_:][\w:]*)[{ ]/gm),
        ...text.matchAll(/^# HELP (\S+)/gm),
        ...page.slice(page.indexOf('## Of some processes')).matchAll(/^- `(uptally_\w+)`/gm),
      ].map(([, name = '']) => name),
    );
  });
  afterAll(async () => {
    await server.end('SIGTERM');
    await rm(dir, { recursive: true, force: true });
  });

  it.each(expressions)('%s asks for what /metrics shows', (_, expr) => {
    const metrics = metricsIn(expr);
    if (!expr.startsWith('up{')) expect(metrics).not.toEqual([]);
    expect(metrics.filter((name) => !exposed.has(name))).toEqual([]);
  });

  it('finds the names in a query', () => {
    const expr = 'max by (job) (delta(a_total{b="c(d)"}[5m])) > 0.5 * sum(e) and on (f) up == 1 or absent(g{h=~"i"})';
    expect(metricsIn(expr)).toEqual(['a_total', 'e', 'g']);
  });

  it('places the panels side by side, none over another', () => {
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
    const cells = dashboard.panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, i) => `${x + (i % w)} ${y + Math.floor(i / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
    expect(Math.max(...dashboard.panels.map(({ gridPos: { x, w } }) => x + w))).toBeLessThanOrEqual(24);
  });
});

describe.skipIf(!installed('promtool'))(
  `alert rules${installed('promtool') ? '' : ' (skipped: promtool is not installed)'}`,
  () => {
    const folder = join(ROOT, 'deploy/prometheus');
    it.each([
      ['check', 'rules', 'alerts.yaml'],
      ['check', 'config', 'prometheus.yaml'],
      ['test', 'rules', 'alerts.test.yaml'],
    ])('promtool %s %s %s', (...args) => {
      const { code, output } = ran('promtool', args, folder);
      expect({ code, output: code === 0 ? '' : output }).toEqual({ code: 0, output: '' });
    });

    it('are all tested', () => {
      const tests = read('prometheus/alerts.test.yaml');
      expect(alerts.map(({ alert }) => alert).filter((alert) => !tests.includes(alert))).toEqual([]);
    });
  },
);
