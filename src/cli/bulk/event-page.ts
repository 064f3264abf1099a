import { z } from 'zod';

/** A page of `GET /v1/events`, as far as it is shown. */
export const EventPage = z.looseObject({
  rows: z.array(
    z.looseObject({
      id: z.string(),
      vm: z.string(),
      at: z.string(),
      kind: z.string(),
      note: z.string(),
      amount: z.string().nullable(),
      withdrawn: z.boolean(),
    }),
  ),
  next: z.string().nullable(),
});
