/** What the price list answers. */
import { z } from 'zod';

const PriceLine = z.looseObject({ item: z.string(), price: z.string(), notes: z.array(z.string()) });

export const PriceList = z.looseObject({
  at: z.string(),
  language: z.string(),
  plans: z.array(
    z.looseObject({
      id: z.string(),
      title: z.string().nullable(),
      currency: z.string(),
      terms: z.string().nullable(),
      price: z.looseObject({ amount: z.string(), per: z.string() }),
      lines: z.array(PriceLine),
    }),
  ),
  terms: z.array(
    z.looseObject({
      id: z.string(),
      title: z.string(),
      version: z.number(),
      fees: z.array(
        z.looseObject({
          event: z.string().nullable(),
          amount: z.string().nullable(),
          currency: z.string().nullable(),
          percent_per_day: z.string().nullable(),
          clause: z.string(),
          words: PriceLine,
        }),
      ),
    }),
  ),
});
export type PriceList = z.infer<typeof PriceList>;
