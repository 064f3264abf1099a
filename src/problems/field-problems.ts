/** What is wrong with the fields of a request, as its answer tells it: the first faults one by one, the rest by their number. */
import type { z } from 'zod';
import { type ProblemCode, ProblemError } from './problem.ts';

export interface FieldError {
  /** Where it is, from the body's top, joined by points; '' is the whole. */
  readonly field: string;
  readonly message: string;
}

/** Faults told one by one, as many as of samples. */
export const FIELD_ERRORS_MAX = 100;
/** Faults told in the one sentence as well. */
const IN_DETAIL_MAX = 10;
/** A name that came from outside is told this far. */
const TOLD_CHARACTERS_MAX = 200;

/** The problem of these faults, of which there is at least one. */
export function fieldProblem(
  code: ProblemCode & ('invalid_parameter' | 'invalid_body' | 'invalid_reference'),
  faults: readonly FieldError[],
): ProblemError {
  const errors = faults
    .slice(0, FIELD_ERRORS_MAX)
    .map(({ field, message }) => ({ field: shortened(field), message: shortened(message) }));
  const sentences = errors
    .slice(0, IN_DETAIL_MAX)
    .map(({ field, message }) => `${field === '' ? 'the body' : field}: ${message}`);
  const more = faults.length - sentences.length;
  if (more > 0) sentences.push(`and ${more} more`);
  return new ProblemError(code, sentences.join('; '), {
    ...(code === 'invalid_parameter' ? { parameter: errors[0]?.field ?? '' } : {}),
    errors,
    ...(faults.length > errors.length ? { errors_left_out: faults.length - errors.length } : {}),
  });
}

/** The problem of one field, in words of this server: they are told whole. */
export function oneFieldProblem(
  code: ProblemCode & ('invalid_parameter' | 'invalid_body' | 'invalid_reference'),
  field: string,
  message: string,
): ProblemError {
  return new ProblemError(code, `${field}: ${message}`, {
    ...(code === 'invalid_parameter' ? { parameter: field } : {}),
    ...sameFault(message, field),
  });
}

/** The member `errors` of a problem that is one fault of these fields. */
export function sameFault(message: string, ...fields: readonly string[]): { readonly errors: readonly FieldError[] } {
  return { errors: fields.map((field) => ({ field, message })) };
}

/** A schema's faults, a line a field. */
export function fieldErrorsOf(error: z.ZodError): FieldError[] {
  const found: FieldError[] = [];
  for (const issue of error.issues) {
    const path = issue.path.map(String);
    if (issue.code === 'unrecognized_keys')
      for (const key of issue.keys) found.push({ field: [...path, key].join('.'), message: 'is not known here' });
    else found.push({ field: path.join('.'), message: issue.message });
  }
  return found;
}

function shortened(text: string): string {
  return text.length <= TOLD_CHARACTERS_MAX ? text : `${text.slice(0, TOLD_CHARACTERS_MAX)}…`;
}
