import { z } from 'zod';
import { HOST_NAME, NIC_NAME, VM_NAME } from './names.ts';

/** Up to 2^64 - 1, in digits or as a string of them: z.int() would stop at 2^53. */
const counter = z.union([z.number().min(0).meta({ type: 'integer' }), z.string().regex(/^(0|[1-9][0-9]{0,19})$/)]).nullish();

/** RFC 3339 with T and Z in either case; z.iso.datetime takes upper case only. */
const instant = z
  .string()
  .regex(/^\d{4}-\d\d-\d\d[Tt]([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?([Zz]|[+-]([01]\d|2[0-3]):[0-5]\d)$/)
  .meta({ format: 'date-time' });

/** A sample in JSON, for documents and clients; what judges samples is the kernel (assembly/judge.ts), held to the same rules by tests. */
export const sampleShape = z
  .object({
    vm: z.string().regex(VM_NAME).describe('The VM'),
    ts: z.union([z.int().min(0), instant]).describe('Milliseconds since the epoch, or RFC 3339 with an offset'),
    nic: z.string().regex(NIC_NAME).nullish().describe("The interface; '' if absent"),
    host: z
      .string()
      .regex(HOST_NAME)
      .nullish()
      .describe("Where the counters live (the hypervisor): a counter that moves is another counter; '' if absent"),
    rx_bytes: counter.describe('What the VM received since the counters started; up to 2^64 - 1'),
    tx_bytes: counter.describe('What the VM sent; one of the two alone is a half, with counters of its own'),
    epoch: z.int().min(0).max(4294967295).nullish().describe('Changes when the counters start again from zero'),
    state: z.enum(['up', 'down', 'none']).nullish().describe('none: the sample says nothing about the state, and has counters'),
    cause: z
      .enum(['provider', 'third_party', 'maintenance', 'force_majeure', 'attack', 'customer', 'arrears'])
      .nullish()
      .describe('Only with state down'),
    started_at: z
      .union([z.int().min(0), instant])
      .nullish()
      .describe('When the counters last were zero, if the sender knows; earlier than ts'),
    hold_s: z
      .int()
      .min(1)
      .max(3600)
      .nullish()
      .describe("How many seconds its state holds without a newer one; if absent, the server's staleness"),
    link_mbps: z
      .int()
      .min(1)
      .max(1_000_000)
      .nullish()
      .describe("An increase faster than this is quarantined; if absent, than the server's link limit"),
    sum: z.boolean().nullish().describe('The counters are a sum over several interfaces: a fall alone is no restart'),
  })
  .meta({ title: 'Sample', description: 'One VM, one of its interfaces, at one instant' });
