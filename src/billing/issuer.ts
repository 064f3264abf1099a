import { faultInWords } from '../domain/fault-words.ts';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { numberPattern } from '../books/number-series.ts';
import { documentText } from '../domain/shapes.ts';
import { ConfigError } from '../process/config.ts';

export const ISSUER_FILE = 'issuer.json';
const FILE_BYTES_MAX = 64 * 1024;

const webAddress = z.url({ protocol: /^https?$/ }).max(500);

/** Who sends the invoices: `issuer.json` in the data directory. What it leaves out is left out of the documents. */
export const issuerProfile = z.strictObject({
  name: documentText(200, false),
  address: documentText(500, true).optional(),
  tax_id: documentText(64, false).optional(),
  /** Its number in a register of companies. */
  registration: documentText(64, false).optional(),
  /** What its tax is called where an account names none: VAT, GST. */
  tax_name: documentText(40, false).optional(),
  /** By when and how invoices are to be paid, in words. */
  payment_terms: documentText(500, true).optional(),
  /** How numbers are written: `INV-{year}-{number:5}`. The count behind them goes on as it is. */
  numbers: z.strictObject({ invoice: numberPattern.optional(), credit_note: numberPattern.optional() }).optional(),
  email: z.email().max(254).optional(),
  website: webAddress.optional(),
  /** How to pay: bank, account, reference; lines are separated by line feeds. */
  payment: documentText(1000, true).optional(),
  /** Where this server is reached from outside: sources in documents become links under it. */
  api_url: webAddress.transform((url) => url.replace(/\/+$/, '')).optional(),
});
export type IssuerProfile = z.infer<typeof issuerProfile>;

/** Reads the issuer's profile; undefined if there is none. Throws ConfigError with every fault of the file. */
export function loadIssuer(dataDir: string): IssuerProfile | undefined {
  const file = join(dataDir, ISSUER_FILE);
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new ConfigError([`${file}: ${(error as Error).message}`]);
  }
  if (text.length > FILE_BYTES_MAX) throw new ConfigError([`${file} is larger than ${FILE_BYTES_MAX} bytes`]);
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch (error) {
    throw new ConfigError([`${file} is no JSON: ${(error as Error).message}`]);
  }
  const parsed = issuerProfile.safeParse(given, { error: faultInWords });
  if (parsed.success) return parsed.data;
  throw new ConfigError(
    parsed.error.issues.map((issue) => `${file}: ${issue.path.map(String).join('.')} ${issue.message}`.trim()),
  );
}
