/** Two Prometheus that scrape the same counter, which goes up evenly. */
import { packed, type SentSeries, version1 } from './remote-write.ts';

export const T0 = Date.parse('2026-03-01T00:00:00Z');
export const BYTES_A_SECOND = 1_000_000;

/** What a replica has scraped, every 15 s and some seconds beside the other, with readings of a little later or, where its clock is ahead, of before. */
export function scrapes(replica: string, from: number, to: number, offsetMs: number, lagMs: number): Buffer {
  const at = Array.from({ length: to - from }, (_, i) => T0 + (from + i) * 15_000 + offsetMs);
  const labels = { instance: 'hv1:9177', uuid: 'vm-a', domain: 'd', cluster: 'rack', __replica__: replica };
  const series = (name: string, value: (ms: number) => number, more = {}): SentSeries => ({
    labels: { __name__: name, ...labels, ...more },
    samples: at.map((ms) => [value(ms), ms]),
  });
  const bytes = (ms: number): number => ((ms + lagMs - T0) * BYTES_A_SECOND) / 1000;
  const nic = { target_device: 'vnet0' };
  return packed(
    version1([
      series('libvirt_domain_interface_stats_receive_bytes_total', bytes, nic),
      series('libvirt_domain_state_code', () => 1),
    ]),
  );
}
