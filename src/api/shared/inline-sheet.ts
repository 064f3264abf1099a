import { z } from 'zod';
import { fieldProblem } from '../../problems/field-problems.ts';
import { type LoadedSheet, parseSheet } from '../../terms/library.ts';
import { termsJsonSchema } from '../../terms/checked-sheet.ts';

/** A whole terms sheet in a body; it is checked apart, so that what is wrong with it is told in its own words. */
export const sheetInBody = z.looseObject({ id: z.string() }).meta({ format: 'terms-sheet' });

/** What the document of the API says of it. */
export const SHEET_COMPONENT = { TermsSheet: termsJsonSchema() };

/** A sheet that came whole, as the member `name` of a body. Throws `invalid_body` naming what is wrong with it. */
export function inlineSheet(given: object, name: string): LoadedSheet {
  const parsed = parseSheet(JSON.stringify(given), name);
  if ('sheet' in parsed) return parsed;
  const errors = parsed.map((line) => {
    const [file = '', path = '', ...rest] = line.split(': ');
    return rest.length === 0 ? { field: file, message: path } : { field: `${file}.${path}`, message: rest.join(': ') };
  });
  throw fieldProblem('invalid_body', errors);
}
