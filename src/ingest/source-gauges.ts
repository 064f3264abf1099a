/** What became of what each source sent, for Prometheus; of sources in force alone, so that metrics do not grow with all that ever were. */
import { Gauge, type Registry } from 'prom-client';
import type { HeldSources } from '../sources/held-sources.ts';
import { seriesKept } from './receivers/prometheus/series-cache.ts';

export function registerSources(registry: Registry, sources: HeldSources): void {
  const gauge: Gauge = new Gauge({
    name: 'uptally_source_points',
    help: 'Points that each source sent, by what became of them: taken, inexact (taken too), why left out, or rejected: and the code (since the process started)',
    labelNames: ['source', 'outcome'],
    registers: [registry],
    collect() {
      gauge.reset();
      for (const source of sources.ids())
        for (const [outcome, n] of sources.countsOf(source).all()) gauge.set({ source, outcome }, n);
    },
  });
  const heard: Gauge = new Gauge({
    name: 'uptally_source_replica_tenures',
    help: 'Of senders that tell the same, which replica of a cluster is heard, and the how manieth tenure that is: it grows by one with each fail-over',
    labelNames: ['source', 'cluster', 'replica'],
    registers: [registry],
    collect() {
      heard.reset();
      for (const source of sources.ids())
        for (const { cluster, last } of sources.replicas.of(source))
          if (last !== undefined) heard.set({ source, cluster, replica: last.replica }, last.tenure);
    },
  });
  const kept = (name: string, help: string, of: () => number): void => {
    const one: Gauge = new Gauge({
      ...{ name, help, registers: [registry] },
      collect() {
        one.set(of());
      },
    });
  };
  kept('uptally_source_series', 'Series of remote write whose labels this process remembers', () => seriesKept().series);
  kept('uptally_source_series_bytes', 'What they take, about', () => seriesKept().bytes);
  kept(
    'uptally_source_series_bytes_max',
    'The most that they may take: then the oldest are forgotten',
    () => seriesKept().bytesMax,
  );
}
