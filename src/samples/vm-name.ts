/** What a VM may be called (SPEC §1). */
import { z } from 'zod';

const ALPHABET = 'A-Za-z0-9._:-';

/** `.` and `..` are steps in a path to every client and proxy: a VM of that name could not be asked about. */
export const PATH_STEP = /^\.{1,2}$/;

/** A name that a sample and the catalog may give to a VM. */
export const VM_NAME = new RegExp(`^(?!\\.{1,2}$)[${ALPHABET}]{1,64}$`);

/** The name of an interface, which may be empty. */
export const NIC_NAME = new RegExp(`^[${ALPHABET}]{0,32}$`);

/** A VM that is asked about. Versions before took samples of `.` and `..` too: what is stored of these can still be read. */
export const storedVmName = z.string().regex(new RegExp(`^[${ALPHABET}]{1,64}$`), 'must be the name of a VM');
