/** How many names: of VMs, and of their interfaces. */
export interface Names {
  readonly vms: number;
  readonly nics: number;
}

export const NO_NAMES: Names = { vms: 0, nics: 0 };

export function sum(a: Names, b: Names): Names {
  return { vms: a.vms + b.vms, nics: a.nics + b.nics };
}

/** What is left of `a`: never below nothing. */
export function less(a: Names, b: Names): Names {
  return { vms: Math.max(0, a.vms - b.vms), nics: Math.max(0, a.nics - b.nics) };
}

export function isWithin(a: Names, max: Names): boolean {
  return a.vms <= max.vms && a.nics <= max.nics;
}

export function isNone({ vms, nics }: Names): boolean {
  return vms === 0 && nics === 0;
}

/** Room for names, of an embedded log or of a partition. */
export interface Room {
  readonly max: Names;
  /** What is open to every key. */
  readonly open: Names;
  /** What a key of an agent may bring besides. */
  readonly share: Names;
}

export interface RoomOptions {
  readonly vmsMax: number;
  readonly nicsMax: number;
  /** New VMs that a key of an agent may bring once half of the room is taken; of interfaces as large a part of theirs. */
  readonly keyVmsMax: number;
}

export function roomOf({ vmsMax, nicsMax, keyVmsMax }: RoomOptions): Room {
  return {
    max: { vms: vmsMax, nics: nicsMax },
    open: { vms: Math.floor(vmsMax / 2), nics: Math.floor(nicsMax / 2) },
    share: { vms: keyVmsMax, nics: Math.ceil((nicsMax * keyVmsMax) / vmsMax) },
  };
}
