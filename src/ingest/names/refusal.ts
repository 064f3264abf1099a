/** What is said of names that don't fit, and to whom a share of the room applies. */
import type { Sender } from '../../http/keys.ts';
import { ProblemError } from '../../problems/problem.ts';
import { isWithin, less, type Names, type Room } from './names.ts';

/** Keys of role admin bring what there is room for. */
export function hasShare({ role }: Pick<Sender, 'role'>): boolean {
  return role === 'agent';
}

export interface Unfit {
  readonly sender: Sender;
  /** New in the request. */
  readonly added: Names;
  /** Places that are taken, or about to be. */
  readonly used: Names;
  /** What the key has brought of its share. */
  readonly brought: Names;
  readonly room: Room;
  /** Left out for the embedded log. */
  readonly partition?: number;
}

/** The answer to a request that names more than there is room for, or more than its key may bring. */
export function nameRefusal({ sender, added, used, brought, room, partition }: Unfit): ProblemError {
  const left = less(room.max, used);
  const where = partition === undefined ? '' : ` of partition ${partition}`;
  const asked = `the samples name ${added.vms} new VMs and ${added.nics} new interfaces${where}, and`;
  const reason = isWithin(added, left)
    ? `key ${sender.name} has brought ${brought.vms} and ${brought.nics} of the ${room.share.vms} and ${room.share.nics} that are its share ` +
      'now that half of the room is taken: raise UPTALLY_MAX_VMS_PER_KEY or UPTALLY_MAX_VMS, post them with an admin key, or have names forgotten that nobody needs (uptally names)'
    : `there is room for ${left.vms} and ${left.nics}: raise UPTALLY_MAX_VMS or UPTALLY_MAX_NICS, or have names forgotten that nobody needs (uptally names)`;
  return new ProblemError('capacity_full', `${asked} ${reason}`);
}
