import { PassThrough } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { ProblemError } from '../../src/problems/problem.ts';
import { BodyBudget, type Holding } from '../../src/http/body-budget.ts';
import { checkAnnounced, readBody } from '../../src/ingest/body.ts';

function holdingOf(holder: string, givenUp: string[] = []): Holding {
  return { holder, bytes: 0, whole: false, giveUp: () => void givenUp.push(holder) };
}

function codeOf(take: () => void): string {
  try {
    take();
    return 'taken';
  } catch (error) {
    return error instanceof ProblemError ? error.code : String(error);
  }
}

describe('bytes of bodies', () => {
  it('of one key are a share, whatever is free', () => {
    const budget = new BodyBudget(100, 40);
    const bodies = Array.from({ length: 5 }, () => holdingOf('a'));
    expect(
      bodies.map((body) =>
        codeOf(() => {
          budget.take(body, 10);
        }),
      ),
    ).toEqual([...Array<string>(4).fill('taken'), 'too_many_requests']);
    expect(budget.held).toBe(40);
    expect(
      codeOf(() => {
        budget.take(holdingOf('b'), 40);
      }),
    ).toBe('taken');
  });

  it('are given back once, however often that is said', () => {
    const budget = new BodyBudget(100, 40);
    const body = holdingOf('a');
    budget.take(body, 10);
    budget.take(body, 20);
    budget.give(body);
    budget.give(body);
    expect([budget.held, body.bytes]).toEqual([0, 0]);
  });

  it('that all are taken by others come from the oldest body of who has most', () => {
    const budget = new BodyBudget(100, 40);
    const givenUp: string[] = [];
    for (const [holder, bytes] of [
      ['a', 20],
      ['b', 15],
      ['b', 25],
      ['c', 40],
    ] as const)
      budget.take(holdingOf(holder, givenUp), bytes);
    expect(
      codeOf(() => {
        budget.take(holdingOf('d', givenUp), 5);
      }),
    ).toBe('taken');
    expect(givenUp).toEqual(['b']);
    expect(budget.held).toBe(90);
  });

  it('go to many who have little, and to nobody who would have as much as those that are there', () => {
    const budget = new BodyBudget(100, 40);
    const givenUp: string[] = [];
    for (let i = 0; i < 10; i++) budget.take(holdingOf(`k${i}`, givenUp), 10);
    expect(
      codeOf(() => {
        budget.take(holdingOf('new', givenUp), 10);
      }),
    ).toBe('too_many_requests');
    expect(
      codeOf(() => {
        budget.take(holdingOf('new', givenUp), 9);
      }),
    ).toBe('taken');
    expect([givenUp, budget.held]).toEqual([['k0'], 99]);
  });

  it('are not taken from a body that is all there', () => {
    const budget = new BodyBudget(100, 60);
    const whole = { ...holdingOf('a'), whole: true };
    budget.take(whole, 60);
    budget.take(holdingOf('b'), 40);
    expect(
      codeOf(() => {
        budget.take(holdingOf('c'), 10);
      }),
    ).toBe('too_many_requests');
    expect(whole.bytes).toBe(60);
  });

  it('are refused by what is announced, before they come', () => {
    const budget = new BodyBudget(100, 40);
    const announcing = (announced: number) =>
      codeOf(() => {
        checkAnnounced({ announced, gzip: false, holder: 'a' }, budget);
      });
    expect([0, 40, 41, 9 * 1024 * 1024].map(announcing)).toEqual(['taken', 'taken', 'too_many_requests', 'body_too_large']);
  });
});

describe('a body that gives up its bytes', () => {
  const body = { announced: 0, gzip: false, holder: 'a' };

  it('when its connection ends has given them back', async () => {
    const budget = new BodyBudget(100, 100);
    const stream = new PassThrough();
    const read = readBody(stream, body, budget);
    stream.write(Buffer.alloc(50));
    await new Promise(setImmediate);
    expect(budget.held).toBe(50);
    stream.destroy();
    await expect(read).rejects.toMatchObject({ code: 'bad_request' });
    expect(budget.held).toBe(0);
  });

  it('to another is read to its end and told so', async () => {
    const budget = new BodyBudget(100, 100);
    const stream = new PassThrough();
    const read = readBody(stream, body, budget);
    stream.write(Buffer.alloc(90));
    await new Promise(setImmediate);
    budget.take(holdingOf('b'), 20);
    stream.end(Buffer.alloc(10));
    await expect(read).rejects.toMatchObject({ code: 'too_many_requests' });
    expect(budget.held).toBe(20);
  });

  it('because it inflates to more than there is room for has given them back', async () => {
    const budget = new BodyBudget(10_000, 1_000);
    const stream = new PassThrough();
    const read = readBody(stream, { ...body, gzip: true }, budget);
    stream.end(gzipSync(Buffer.alloc(100_000)));
    await expect(read).rejects.toMatchObject({ code: 'too_many_requests' });
    expect(budget.held).toBe(0);
  });

  it('is released when it has been taken', async () => {
    const budget = new BodyBudget(10_000, 10_000);
    const stream = new PassThrough();
    stream.end(gzipSync(Buffer.alloc(5_000)));
    const { chunks, release } = await readBody(stream, { ...body, gzip: true }, budget);
    expect([chunks.length, budget.held]).toEqual([1, 5_000]);
    release();
    expect(budget.held).toBe(0);
  });
});

it('one key with very many gzip bodies is one among those who wait to be inflated', async () => {
  const budget = new BodyBudget(2 ** 30, 2 ** 30);
  const bomb = gzipSync(Buffer.alloc(8 * 1024 * 1024));
  const ended: string[] = [];
  const post = async (holder: string, bytes: Buffer): Promise<void> => {
    const stream = new PassThrough();
    stream.end(bytes);
    const { release } = await readBody(stream, { announced: bytes.length, gzip: true, holder }, budget);
    release();
    ended.push(holder);
  };
  const bombs = Array.from({ length: 60 }, () => post('a', bomb));
  await new Promise(setImmediate);
  const others = ['b', 'c', 'd'].map((holder) => post(holder, gzipSync('x')));
  await Promise.all([...bombs, ...others]);
  // the eight that were under way, and as many again that took turns with the three
  expect(Math.max(...['b', 'c', 'd'].map((holder) => ended.indexOf(holder)))).toBeLessThan(20);
});
