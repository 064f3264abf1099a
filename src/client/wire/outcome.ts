/** What becomes of samples that are posted. */
import { z } from 'zod';

/** The answer to `POST /v1/samples`: the accepted ones are durable. `index` counts the samples of the batch from 0. */
export const Receipt = z.object({
  accepted: z.number(),
  rejected: z.number(),
  errors: z
    .array(z.object({ index: z.number(), code: z.string(), field: z.string().nullish(), message: z.string().nullish() }))
    .default([]),
});
export type Receipt = z.infer<typeof Receipt>;

/**
 * Why a body was refused. `final`: these bytes will never be taken. `early`: the server's clock has not come as far, which time mends.
 * `mangled`: the server could not read it; where the bytes are right, something on the way broke them. `too_large`: in parts it may go, and it
 * need not be Uptally that says so, for proxies have limits of their own.
 */
export type Refusal = 'final' | 'early' | 'mangled' | 'too_large';

/**
 * What became of a batch. `refused`: Uptally judged the bytes, or they are too large on their way to it. `denied`: the key or the address is
 * wrong, or something else than Uptally answered; the bytes may be fine. `unavailable`: try the same bytes again; whether they were stored is unknown, and harmless.
 */
export type PostOutcome =
  | { readonly kind: 'accepted'; readonly receipt: Receipt }
  | {
      readonly kind: 'refused';
      readonly because: Refusal;
      readonly status: number;
      readonly code: string;
      readonly detail: string;
      readonly receipt: Receipt | null;
    }
  | { readonly kind: 'denied'; readonly status: number; readonly code: string; readonly detail: string }
  | {
      readonly kind: 'unavailable';
      readonly status: number | null;
      readonly retryAfterMs: number | null;
      readonly detail: string;
    };

/** An answer as it came. */
export interface RawAnswer {
  readonly status: number;
  readonly type: string;
  readonly text: string;
  readonly retryAfterMs: number | null;
}
