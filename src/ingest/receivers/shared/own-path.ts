/** Paths that senders have built in: their source is the one that names the key. */
import { z } from 'zod';
import type { ReceiverRoute } from './receiver.ts';

/** The same route at a path without a source. */
export function ofKey({ description = '', ...route }: ReceiverRoute): ReceiverRoute {
  return {
    ...route,
    params: z.object({}),
    description: `${description} The source is the one that names the key among its \`keys\`.`.trim(),
  };
}
