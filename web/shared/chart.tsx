/** A chart of traffic over time, loaded with the one view that has it. What it draws stands in a table, too. */
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { bytes } from './format.ts';
import { say } from './words.ts';

export interface Point {
  readonly atMs: number;
  readonly rx: bigint;
  readonly tx: bigint;
}

const colour = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** A colour that a canvas understands: the sheet's own are functions of the theme. */
function resolved(name: string): string {
  const probe = document.createElement('span');
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const text = getComputedStyle(probe).color;
  probe.remove();
  return text === '' ? colour(name) : text;
}

export function Chart({ points, zone, label }: { points: readonly Point[]; zone: string; label: string }): JSX.Element {
  const root = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const place = root.current;
    if (place === null) return undefined;
    const axis = {
      stroke: resolved('--muted'),
      grid: { stroke: resolved('--line'), width: 1 },
      ticks: { stroke: resolved('--line') },
    };
    // a chart is as exact as its pixels: the figures are in the table beside
    const data: uPlot.AlignedData = [
      points.map(({ atMs }) => atMs / 1000),
      points.map(({ rx }) => Number(rx)),
      points.map(({ tx }) => Number(tx)),
    ];
    const line = (name: string, of: string, dash: number[]): uPlot.Series => ({
      label: say(of === 'rx' ? 'traffic.rx' : 'traffic.tx'),
      stroke: resolved(name),
      width: 1.5,
      dash,
      points: { show: false },
      value: (_, value) => (typeof value === 'number' ? bytes(BigInt(Math.round(value))) : '–'),
    });
    const chart = new uPlot(
      {
        width: place.clientWidth,
        height: 260,
        tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), zone),
        scales: { y: { range: (_, __, most) => [0, most > 0 ? most * 1.05 : 1] } },
        axes: [axis, { ...axis, size: 72, values: (_, ticks) => ticks.map((tick) => bytes(BigInt(Math.round(tick)))) }],
        series: [{ label: zone }, line('--link', 'rx', []), line('--uncredited', 'tx', [6, 3])],
      },
      data,
      place,
    );
    const resize = new ResizeObserver(() => {
      chart.setSize({ width: place.clientWidth, height: 260 });
    });
    resize.observe(place);
    return () => {
      resize.disconnect();
      chart.destroy();
    };
  }, [points, zone]);
  return <div class="chart" ref={root} role="img" aria-label={label} />;
}
