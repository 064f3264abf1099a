/** What VMs and interfaces may be called, and what may be written where names are meant (SPEC §1). All rules of it stand here. */
import { z } from 'zod';

/** Letters of a name, as a class of a regular expression has them, but for the hyphen, which ends the class. */
const LETTERS = 'A-Za-z0-9._:';

/** `.` and `..` are steps in a path to every client and proxy: a VM of that name could not be asked about. */
export const PATH_STEP = /^\.{1,2}$/;

/** A name that a sample and the catalog may give to a VM. */
export const VM_NAME = new RegExp(`^(?!\\.{1,2}$)[${LETTERS}-]{1,64}$`);

/** The name of an interface, which may be empty. */
export const NIC_NAME = new RegExp(`^[${LETTERS}-]{0,32}$`);

/** Where counters live; may be empty. */
export const HOST_NAME = new RegExp(`^[${LETTERS}-]{0,64}$`);

/** Names of VMs, with * for any number of letters; as the kernel takes them, which an empty one tells nothing. */
export const VM_PATTERN = new RegExp(`^[${LETTERS}*-]{0,64}$`);

/** The names of VMs as a pattern that somebody wrote. */
export const vmPattern = z
  .string()
  .regex(new RegExp(`^[${LETTERS}*-]{1,64}$`), 'must be 1 to 64 characters of a VM name, with * for any number of them');

/** The name of an interface in the catalog. */
export const nicName = z.string().regex(NIC_NAME, 'must be 0 to 32 characters of A-Z a-z 0-9 . _ : -');

/** A VM that is asked about. Versions before took samples of `.` and `..` too: what is stored of these can still be read. */
export const storedVmName = z.string().regex(new RegExp(`^[${LETTERS}-]{1,64}$`), 'must be the name of a VM');

/** What may follow a VM's name to tell it from an earlier one of that name. */
export const GENERATION = new RegExp(`^[${LETTERS}-]{1,32}$`);

/** A name that can be a part of a path: it is neither a folder's nor another folder's. */
export const PATH_NAME = new RegExp(`^(?!\\.)[${LETTERS}-]+$`);
