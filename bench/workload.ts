/** A fleet's NDJSON: every VM every 10 s, in the order of time, each host at its own moment within the interval. */

export interface Workload {
  /** requests: lines that end in line feeds, at most 50,000 each */
  readonly bodies: readonly Buffer[];
  readonly samples: number;
  readonly bytes: number;
}

const START_MS = 1_767_225_600_000;
const INTERVAL_MS = 10_000;
const LINES_A_BODY_MAX = 50_000;

/**
 * @param vms VMs of one interface each
 * @param intervals samples of each VM
 */
export function fleetWorkload(vms: number, intervals: number): Workload {
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
      const moment = START_MS + interval * INTERVAL_MS + Math.floor((i * INTERVAL_MS) / vms);
      rx[i] = (rx[i] ?? 0) + (x >>> 8);
      tx[i] = (tx[i] ?? 0) + (x >>> 11);
      lines.push(`{"vm":"${names[i]}","ts":${moment},"nic":"eth0","rx_bytes":${rx[i]},"tx_bytes":${tx[i]}}\n`);
      if (lines.length === LINES_A_BODY_MAX) flush();
    }
  }
  if (lines.length > 0) flush();
  return { bodies, samples: vms * intervals, bytes };
}
