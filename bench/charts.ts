/** Pictures of a run: SVG drawn without a browser, and one HTML page that holds them all and needs nothing else. */
import * as echarts from 'echarts';
import type { Axis, Series } from './harness.ts';
import { type Figure, figuresOf, type Run, written } from './report.ts';

const WIDTH = 860;
const COLOURS = ['#2563eb', '#d97706', '#059669', '#9333ea', '#dc2626', '#0891b2'];
const FONT = 'system-ui, sans-serif';
const UNITS = { rate: 'a second', time: 'milliseconds', ratio: 'times as much', value: '' } as const;

/** Bars with the spread of their rounds: the figures of one kind and unit. */
export function barChart(title: string, figures: readonly Figure[]): string {
  const shown = [...figures].reverse();
  const unit = figures[0]?.kind === 'value' ? figures[0].unit : UNITS[figures[0]?.kind ?? 'value'];
  const positive = shown.every(({ lowest }) => lowest > 0);
  const medians = shown.map(({ median }) => median);
  // bars that differ a hundredfold can only be seen on a logarithmic axis
  const logarithmic = positive && Math.max(...medians) > 100 * Math.min(...medians);
  return render(90 + 34 * shown.length, {
    title: { text: title, textStyle: { fontSize: 15 } },
    grid: { left: 300, right: 120, top: 40, bottom: 40 },
    xAxis: { type: logarithmic ? 'log' : 'value', name: unit, nameLocation: 'middle', nameGap: 24, axisLabel: { formatter: short, hideOverlap: true } },
    yAxis: { type: 'category', data: shown.map(({ name }) => name), axisLabel: { width: 285, overflow: 'break' }, axisTick: { show: false } },
    series: [
      {
        type: 'bar',
        barWidth: 16,
        data: shown.map((figure) => ({
          value: figure.median,
          label: { show: true, position: 'right', distance: 8, formatter: written(figure.median, figure) },
        })),
      },
      {
        type: 'custom',
        z: 3,
        data: shown.map(({ lowest, highest }, i) => [lowest, highest, i]),
        renderItem: (_: unknown, api: Api) => {
          const [left = 0, y = 0] = api.coord([api.value(0), api.value(2)]);
          const [right = 0] = api.coord([api.value(1), api.value(2)]);
          return { type: 'line', shape: { x1: left, x2: right, y1: y, y2: y }, style: { stroke: '#111827', lineWidth: 2 } };
        },
        encode: { x: [0, 1], y: 2 },
      },
    ],
  }); // prettier-ignore
}

interface Api {
  value(dimension: number): number;
  coord(point: readonly number[]): number[];
}

export function lineChart({ sentence, x, y, lines }: Series): string {
  const axis = ({ name, logarithmic }: Axis, gap: number): object => ({
    type: logarithmic === true ? 'log' : 'value',
    name,
    nameLocation: 'middle',
    nameGap: gap,
    axisLabel: { formatter: short, hideOverlap: true },
  });
  return render(380, {
    title: { text: sentence, textStyle: { fontSize: 14, width: WIDTH - 40, overflow: 'break' } },
    legend: { bottom: 0, show: lines.length > 1 },
    grid: { left: 80, right: 30, top: 60, bottom: 75 },
    xAxis: axis(x, 28),
    yAxis: { ...axis(y, 55), min: y.logarithmic === true ? undefined : 0 },
    series: lines.map(({ name, points }) => ({ name, type: 'line', symbolSize: 7, data: points.map(([a, b]) => [a, b]) })),
  });
}

function short(value: number): string {
  if (value >= 1e6) return `${value / 1e6} M`;
  return value >= 1e3 ? `${value / 1e3} k` : String(value);
}

function render(height: number, option: object): string {
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height });
  try {
    chart.setOption({ animation: false, color: COLOURS, backgroundColor: '#ffffff', textStyle: { fontFamily: FONT }, ...option });
    return chart.renderToSVGString();
  } finally {
    chart.dispose();
  }
}

/** Every chart of a run by the name of its file, without the ending. */
export function chartsOf(run: Run): Map<string, string> {
  const charts = new Map<string, string>();
  for (const report of run.reports) {
    const groups = new Map<string, Figure[]>();
    for (const figure of figuresOf(report)) {
      const key = figure.kind === 'value' ? `value-${figure.unit}` : figure.kind;
      groups.set(key, [...(groups.get(key) ?? []), figure]);
    }
    for (const [key, figures] of groups)
      charts.set(`${report.bench}-${fileName(key)}`, barChart(`${report.bench}: ${report.question}`, figures));
    for (const each of report.series ?? []) charts.set(`${report.bench}-${fileName(each.id)}`, lineChart(each));
  }
  return charts;
}

const fileName = (text: string): string => text.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-').replaceAll(/^-|-$/g, ''); // prettier-ignore

/** A page with the charts and where they come from. */
export function htmlPage(run: Run, charts: ReadonlyMap<string, string>): string {
  const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  const { commit, node, cores, cpu, loadBefore } = run.where;
  const about = `${run.at.slice(0, 16).replace('T', ' ')} UTC, commit ${commit}, Node ${node}, ${cores} cores of ${cpu}, load before ${loadBefore}. Bars are medians; the dark line goes from the lowest round to the highest.`;
  const sections = run.reports.map(({ bench, question }) => {
    const own = [...charts].filter(([name]) => name.startsWith(`${bench}-`)).map(([, svg]) => `<figure>${svg}</figure>`);
    return `<h2>${escaped(bench)}</h2><p>${escaped(question)}</p>${own.join('\n')}`;
  });
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>Uptally benchmarks</title>
<style>body{font:16px/1.5 ${FONT};max-width:${WIDTH + 20}px;margin:2rem auto;padding:0 1rem;color:#111827}figure{margin:1rem 0}svg{max-width:100%;height:auto}</style>
<h1>Uptally benchmarks</h1><p>${escaped(about)}</p>
${sections.join('\n')}
</html>
`;
}
