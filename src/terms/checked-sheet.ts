import { z } from 'zod';
import { findContradictions } from './contradictions.ts';
import { sheetShape } from './sheet.ts';

/** A sheet whose rules do not contradict each other. */
export const termsSheet = sheetShape.superRefine((sheet, context) => {
  for (const { path, message } of findContradictions(sheet)) context.addIssue({ code: 'custom', path, message });
});

/** The JSON Schema of a sheet, for editors; contradictions between rules only `uptally terms check` sees. */
export function termsJsonSchema(): Record<string, unknown> {
  return { title: 'Uptally terms sheet', ...z.toJSONSchema(termsSheet, { io: 'input', target: 'draft-2020-12' }) };
}
