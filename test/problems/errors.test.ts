import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ProblemError, problemBody, PROBLEMS } from '../../src/problems/problem.ts';

const SOURCES = join(import.meta.dirname, '..', '..', 'src');

it('every problem thrown anywhere in src is in the table', () => {
  const thrown = new Set<string>();
  for (const name of readdirSync(SOURCES, { recursive: true, encoding: 'utf8' })) {
    if (!name.endsWith('.ts')) continue;
    for (const match of readFileSync(join(SOURCES, name), 'utf8').matchAll(/(?:new ProblemError|problemBody)\(\s*'([^']+)'/g)) {
      if (match[1] !== undefined) thrown.add(match[1]);
    }
  }
  expect([...thrown].filter((code) => !(code in PROBLEMS))).toEqual([]);
});

it('what passes says when to try again, as the table has it unless the place knows better', () => {
  expect(new ProblemError('store_unavailable', 'x').headers).toEqual({ 'retry-after': '5' });
  expect(new ProblemError('too_many_requests', 'x', {}, { 'retry-after': '7' }).headers).toEqual({ 'retry-after': '7' });
  expect(new ProblemError('shutting_down', 'x', {}, { connection: 'close' }).headers).toEqual({
    connection: 'close',
    'retry-after': '1',
  });
  expect(new ProblemError('bad_request', 'x').headers).toEqual({});
  const later = Object.entries(PROBLEMS).filter(([, problem]) => 'retryAfterSeconds' in problem);
  expect(later.every(([, { status }]) => status === 429 || status === 503)).toBe(true);
});

it('a problem has the five members and what else belongs to it', () => {
  expect(problemBody('vm_unknown', 'no VM v9', { vm: 'v9' })).toEqual({
    type: '/problems#vm_unknown',
    title: 'The VM is not known',
    status: 404,
    code: 'vm_unknown',
    detail: 'no VM v9',
    vm: 'v9',
  });
  expect(new ProblemError('forbidden', 'x').status).toBe(403);
});
