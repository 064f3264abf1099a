import type { z } from 'zod';

const KINDS: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  bigint: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
  null: 'null',
};

const FORMATS: Readonly<Record<string, string>> = {
  datetime: 'must be an instant, such as 2026-03-01T00:00:00Z',
  date: 'must be a day, such as 2026-03-01',
  email: 'must be an e-mail address',
  url: 'must be a URL',
};

/**
 * What is wrong with a value, for people who have never heard of the library that found it: given to a schema as its `error`. Messages that a schema
 * has of its own stay; undefined: the library's words.
 */
export function faultInWords(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      return mustBe(issue.input, KINDS[issue.expected]);
    case 'invalid_value':
      return mustBe(issue.input, oneOf(issue.values.map(literal)));
    case 'too_small':
      return bounded(issue.origin, 'least', issue.minimum, issue.inclusive !== false);
    case 'too_big':
      return bounded(issue.origin, 'most', issue.maximum, issue.inclusive !== false);
    case 'invalid_format':
      return issue.format === 'regex' ? undefined : FORMATS[issue.format];
    case 'invalid_union':
      return mustBe(issue.input, unionOf(issue));
    case 'unrecognized_keys':
      return `must not have ${issue.keys.map(literal).join(', ')}, which is not known here`;
    default:
      return undefined;
  }
}

/** A value that is not there is missing, whatever it should have been. */
function mustBe(given: unknown, what: string | undefined): string | undefined {
  if (given === undefined) return 'is missing';
  return what === undefined ? undefined : `must be ${what}`;
}

function unionOf(issue: z.core.$ZodIssueInvalidUnion | z.core.$ZodRawIssue<z.core.$ZodIssueInvalidUnion>): string | undefined {
  const kinds = issue.errors.map((errors) => {
    const [only] = errors;
    if (only === undefined || errors.length > 1 || only.path.length > 0) return undefined;
    if (only.code === 'invalid_type') return KINDS[only.expected];
    return only.code === 'invalid_value' ? oneOf(only.values.map(literal)) : undefined;
  });
  const known = new Set(kinds.filter((kind) => kind !== undefined));
  return known.size === 0 || kinds.includes(undefined) ? undefined : [...known].join(' or ');
}

function bounded(origin: string, end: 'least' | 'most', bound: number | bigint, inclusive: boolean): string | undefined {
  const units = { string: 'characters', array: 'items', set: 'items' }[origin];
  if (units !== undefined) {
    if (end === 'least' && Number(bound) === 1) return 'must not be empty';
    return `must have at ${end} ${bound} ${Number(bound) === 1 ? units.slice(0, -1) : units}`;
  }
  if (!['number', 'int', 'bigint'].includes(origin)) return undefined;
  if (inclusive) return `must be at ${end} ${bound}`;
  return `must be ${end === 'least' ? 'above' : 'below'} ${bound}`;
}

function oneOf(values: readonly string[]): string {
  return values.length === 1 ? (values[0] ?? '') : `one of ${values.join(', ')}`;
}

function literal(value: unknown): string {
  return typeof value === 'string' ? `"${value}"` : String(value);
}
