/** A fleet's NDJSON: every VM every 10 s, in the order of time, each host at its own moment within the interval. */

export interface Workload {
  /** requests: lines that end in line feeds, at most 50,000 each */
  readonly bodies: readonly Buffer[];
  readonly samples: number;
  readonly bytes: number;
}

export const START_MS = 1_767_225_600_000;
const INTERVAL_MS = 10_000;

export interface WorkloadOptions {
  /** at most 50,000 */
  readonly linesABody?: number;
  readonly startMs?: number;
}

/**
 * @param vms VMs of one interface each
 * @param intervals samples of each VM
 */
export function fleetWorkload(
  vms: number,
  intervals: number,
  { linesABody = 50_000, startMs = START_MS }: WorkloadOptions = {},
): Workload {
  const names = Array.from({ length: vms }, (_, i) => `vm-${String(i).padStart(6, '0')}`);
  // counters of sixteen digits, still below 2⁵³ so that JSON.parse gets them right; the steps differ by VM and by interval
  const rx = Float64Array.from({ length: vms }, (_, i) => 2e15 + i * 7_919_113);
  const tx = Float64Array.from({ length: vms }, (_, i) => 1e15 + i * 1_299_709);
  const bodies: Buffer[] = [];
  let lines: string[] = [];
  let bytes = 0;
  const flush = (): void => {
    const body = Buffer.from(lines.join(''), 'latin1');
    bytes += body.length;
    bodies.push(body);
    lines = [];
  };
  let x = 88_675_123;
  for (let interval = 0; interval < intervals; interval++) {
    for (let i = 0; i < vms; i++) {
      x = (Math.imul(x, 1_664_525) + 1_013_904_223) >>> 0;
      const moment = startMs + interval * INTERVAL_MS + Math.floor((i * INTERVAL_MS) / vms);
      rx[i] = (rx[i] ?? 0) + (x >>> 8);
      tx[i] = (tx[i] ?? 0) + (x >>> 11);
      lines.push(`{"vm":"${names[i]}","ts":${moment},"nic":"eth0","rx_bytes":${rx[i]},"tx_bytes":${tx[i]}}\n`);
      if (lines.length === linesABody) flush();
    }
  }
  if (lines.length > 0) flush();
  return { bodies, samples: vms * intervals, bytes };
}

/** The same lines in another order: groups of `group` lines that follow one another stay together, the groups are shuffled. */
export function reordered({ bodies, samples, bytes }: Workload, group: number, seed = 123_456_789): Workload {
  const groups: Buffer[] = [];
  for (const body of bodies) {
    for (let from = 0, lines = 0, at = 0; at < body.length; at++) {
      if (body[at] !== 0x0a) continue;
      lines++;
      if (lines % group !== 0 && at + 1 < body.length) continue;
      groups.push(body.subarray(from, at + 1));
      from = at + 1;
    }
  }
  let x = seed;
  for (let i = groups.length - 1; i > 0; i--) {
    x = (Math.imul(x, 1_664_525) + 1_013_904_223) >>> 0;
    const j = Math.floor((x / 2 ** 32) * (i + 1));
    const kept = groups[i];
    const other = groups[j];
    if (kept === undefined || other === undefined) throw new Error('a group is missing');
    groups[i] = other;
    groups[j] = kept;
  }
  const groupsABody = Math.max(1, Math.ceil(groups.length / bodies.length));
  const shuffled: Buffer[] = [];
  for (let from = 0; from < groups.length; from += groupsABody)
    shuffled.push(Buffer.concat(groups.slice(from, from + groupsABody)));
  return { bodies: shuffled, samples, bytes };
}
