/**
 * What a sample costs in a fleet of n VMs, NDJSON to rows, when every VM is known: the second interval of a fleet is timed, the first is not. A sixth
 * of the VMs pass the end of a minute in it, as in the long run. The order of the VMs in the second interval is that of the first (agents
 * send their VMs in one order), or requests of hosts of 100 VMs in any order, or every VM in any order: the worst for a cache.
 */
import { charged, type Contender } from './harness.ts';
import { KernelPath } from './kernel-path.ts';
import { fleetWorkload, reordered, START_MS, type Workload } from './workload.ts';

/** Samples that are timed in a round, at least: a small fleet's interval is taken several times. */
const SAMPLES_A_ROUND = 200_000;
const VMS_A_HOST = 100;

/** The contenders for a fleet; they share a kernel. */
export function costContenders(vms: number, linesABody: number): Contender[] {
  // 10 s before and after a moment that lies 1⅔ s before the end of a minute
  const startMs = START_MS + 60_000 - 11_667;
  const both = fleetWorkload(vms, 2, { linesABody: Math.min(linesABody, vms), startMs });
  const half = both.bodies.length / 2;
  if (vms > linesABody && vms % linesABody !== 0) throw new Error('an interval does not begin with a request');
  const first = both.bodies.slice(0, half);
  const second: Workload = { bodies: both.bodies.slice(half), samples: vms, bytes: 0 };
  let path: KernelPath | undefined;
  const contender = (order: string, { bodies }: Workload): Contender => ({
    name: `kernel, ${vms} VMs, ${order}`,
    run: () => {
      path ??= new KernelPath(vms);
      let seconds = 0;
      let units = 0;
      while (units < Math.min(SAMPLES_A_ROUND, vms * 20)) {
        path.forget();
        for (const body of first) path.take(body);
        const own = path;
        seconds += charged(() => {
          for (const body of bodies) own.take(body);
        });
        units += path.check(2 * vms) / 2;
      }
      return { units, seconds };
    },
  });
  return [
    contender('the same order', second),
    contender('hosts shuffled', reordered(second, VMS_A_HOST)),
    contender('VMs shuffled', reordered(second, 1)),
  ];
}
