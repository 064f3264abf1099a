import { request } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bareServer } from '../../src/http/bare-server.ts';
import { answerInTime } from '../../src/api/shared/slow-answer.ts';
import { ProblemError } from '../../src/problems/problem.ts';

/** A call that takes long: somebody between gives up what says nothing for a minute. */
const BEAT_MS = 20;

describe('a call that takes its time', () => {
  const app = bareServer();
  /** Ends the work of the calls under way. */
  let end: () => void = () => undefined;
  let url = '';
  beforeAll(async () => {
    const until = (): Promise<void> => new Promise((resolve) => (end = resolve));
    app.get('/quick', (_, reply) => answerInTime(reply, 201, () => Promise.resolve('{"n":1}'), BEAT_MS));
    app.get('/slow', (_, reply) => answerInTime(reply, 201, () => until().then(() => '{"n":9007199254740993}'), BEAT_MS));
    const refuse = (): string => {
      throw new ProblemError('invoice_conflict', 'another was first');
    };
    app.get('/refused', (_, reply) => answerInTime(reply, 200, () => Promise.resolve().then(refuse), BEAT_MS));
    app.get('/broken', (_, reply) => answerInTime(reply, 200, () => until().then(refuse), BEAT_MS));
    url = await app.listen({ port: 0, host: '127.0.0.1' });
  });
  afterAll(() => app.close());

  it('is answered as any other where it does not', async () => {
    const { statusCode, body } = await request(`${url}/quick`);
    expect([statusCode, await body.text()]).toEqual([201, '{"n":1}']);
  });

  it('has its head at once, a space a beat, and is JSON to whoever reads it', async () => {
    const { statusCode, headers, body } = await request(`${url}/slow`);
    expect([statusCode, headers['content-type']]).toEqual([201, 'application/json; charset=utf-8']);
    end();
    const text = await body.text();
    expect(text).toMatch(/^ +[{]"n":9007199254740993[}]$/);
  });

  it('is refused by a status as long as nothing was said', async () => {
    expect((await request(`${url}/refused`)).statusCode).toBe(409);
  });

  it('is cut when it fails later: half an answer is none', async () => {
    const { body } = await request(`${url}/broken`);
    end();
    await expect(body.text()).rejects.toThrow();
  });
});
