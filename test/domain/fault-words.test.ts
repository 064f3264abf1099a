import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { faultInWords } from '../../src/domain/fault-words.ts';

describe('what is wrong with a value', () => {
  it.each<[string, z.ZodType, unknown, string]>([
    ['missing', z.object({ a: z.string() }), {}, 'is missing'],
    ['one of a few that is missing', z.object({ a: z.enum(['x', 'y']) }), {}, 'is missing'],
    ['a number for a text', z.string(), 5, 'must be a text'],
    ['a text for a number', z.number(), '5', 'must be a number'],
    ['a fraction for a whole number', z.int(), 1.5, 'must be a whole number'],
    ['a text for a truth', z.boolean(), 'yes', 'must be true or false'],
    ['an object for a list', z.array(z.string()), {}, 'must be a list'],
    ['a list for an object', z.strictObject({}), [], 'must be an object'],
    ['none of the values', z.enum(['x', 'y']), 'z', 'must be one of "x", "y"'],
    ['not the value', z.literal('q'), 'z', 'must be "q"'],
    ['no text or number', z.union([z.string(), z.number()]), null, 'must be a text or a number'],
    ['too short', z.string().min(2), 'a', 'must have at least 2 characters'],
    ['empty', z.string().min(1), '', 'must not be empty'],
    ['too long', z.string().max(1), 'ab', 'must have at most 1 character'],
    ['too low', z.int().min(1), 0, 'must be at least 1'],
    ['too high', z.number().lt(9), 9, 'must be below 9'],
    ['an empty list', z.array(z.string()).min(1), [], 'must not be empty'],
    ['a list that is too long', z.array(z.string()).max(2), ['a', 'b', 'c'], 'must have at most 2 items'],
    ['no instant', z.iso.datetime(), 'now', 'must be an instant, such as 2026-03-01T00:00:00Z'],
    ['unknown', z.strictObject({}), { zz: 1 }, 'must not have "zz", which is not known here'],
    ['as its schema says', z.string().min(8, 'is too easy to guess'), 'a', 'is too easy to guess'],
  ])('%s is said in words of ours', (_what, schema, value, words) => {
    expect(schema.safeParse(value, { error: faultInWords }).error?.issues.map(({ message }) => message)).toEqual([words]);
  });
});
