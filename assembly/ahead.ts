/**
 * When samples come in no order of their own, each waits for memory three times: its entry in the table, its VM, its interface. Read for several
 * samples at once these waits pass together; what is read is thrown away, and is in the cache when its sample is taken in.
 */
import { FRAME_HASH, FRAME_SIZE, H_VM_TABLE, VM_NAMES, VM_NIC } from './layout';
import { firstPlaceOfVm, nicAt, vmAt } from './intern';

/** Samples that are looked at together. */
export const AHEAD: u32 = 16;

const SLOTS = memory.data(64);
/** Where the sum of what was read goes, so that the reading is not left out. */
const READ = memory.data(8);

/** Reads what the samples from `frame` on will ask for first. */
export function lookAhead(frame: usize, end: usize): void {
  const table = <usize>load<u32>(H_VM_TABLE);
  let n: usize = 0;
  while (n < <usize>AHEAD && frame < end) {
    store<u32>(SLOTS + (n << 2), load<u32>(table + (<usize>firstPlaceOfVm(load<u32>(frame + FRAME_HASH)) << 3) + 4));
    frame += <usize>load<u16>(frame + FRAME_SIZE);
    n++;
  }
  let sum: u32 = 0;
  for (let i: usize = 0; i < n; i++) {
    const slot = load<u32>(SLOTS + (i << 2));
    if (slot == 0) continue;
    const vm = vmAt(slot - 1);
    store<u32>(SLOTS + (i << 2), load<u32>(vm + VM_NIC));
    sum += load<u32>(vm + VM_NAMES);
  }
  for (let i: usize = 0; i < n; i++) {
    const slot = load<u32>(SLOTS + (i << 2));
    if (slot != 0) sum += load<u32>(nicAt(slot - 1));
  }
  store<u32>(READ, sum);
}
