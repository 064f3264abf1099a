import { z } from 'zod';
import { INSTANT_MS_END, parseInstant } from './instant.ts';

/** Members of what clients send, each with its check and its description; documents and bodies are made of them. */

/** A calendar day from 1970 to 2099, for patterns. */
export const DAY_PATTERN =
  '(19[7-9][0-9]|20[0-9]{2})-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))' +
  '|(19(7[26]|8[048]|9[26])|20([02468][048]|[13579][26]))-02-29';

/** An instant as SPEC's conventions have it, read to milliseconds. */
export const instant = z
  .union([
    z.string().meta({ format: 'date-time', pattern: '^(19[7-9][0-9]|20[0-9]{2})-.*[Tt].*([Zz]|[+-][0-9]{2}:[0-9]{2})$' }),
    z.int().meta({ minimum: 0, maximum: INSTANT_MS_END - 1 }),
  ])
  .meta({ description: 'RFC 3339 with offset, or integer milliseconds since the epoch', examples: ['2026-03-01T00:00:00Z'] })
  .transform((given, context) => {
    const ms = parseInstant(given);
    if (ms !== undefined) return ms;
    context.addIssue({ code: 'custom', message: 'must be RFC 3339 with an offset, or integer milliseconds, from 1970 to 2099' });
    return z.NEVER;
  });

/** Text that documents print as it is: no control characters, and line feeds only where it may have lines. */
export function documentText(lengthMax: number, lines: boolean) {
  // eslint-disable-next-line no-control-regex
  const refused = lines ? /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/ : /[\u0000-\u001f\u007f-\u009f]/;
  return z
    .string()
    .min(1)
    .max(lengthMax)
    .refine((text) => !refused.test(text), lines ? 'must be text; line feeds separate its lines' : 'must be one line of text')
    .meta({ pattern: lines ? '^[^\\u0000-\\u0009\\u000b-\\u001f\\u007f-\\u009f]*$' : '^[^\\u0000-\\u001f\\u007f-\\u009f]*$' });
}
