import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { Answers, withWholeAnswers } from '../../../src/log/kafka/socket.ts';
import { below, randomOf } from '../../support/random.ts';

function answer(length: number): Buffer {
  const bytes = Buffer.alloc(4 + length, length);
  bytes.writeInt32BE(length);
  return bytes;
}

describe('answers of a broker', () => {
  it('come out whole however the bytes are split', () => {
    for (let seed = 1; seed <= 500; seed++) {
      const random = randomOf(seed);
      const sent = Array.from({ length: 1 + below(random, 6) }, () => answer(below(random, 40)));
      const bytes = Buffer.concat(sent);
      const ends = new Set<number>([0]);
      for (const each of sent) ends.add(Math.max(...ends) + each.length);
      const answers = new Answers();
      const got: Buffer[] = [];
      let passed = 0;
      for (let at = 0; at < bytes.length;) {
        const until = Math.min(bytes.length, at + 1 + below(random, 12));
        const whole = answers.take(bytes.subarray(at, until));
        at = until;
        if (whole === undefined) continue;
        got.push(whole);
        passed += whole.length;
        expect(ends.has(passed)).toBe(true);
      }
      expect(Buffer.concat(got)).toEqual(bytes);
    }
  });

  it('come as soon as they are whole', () => {
    const answers = new Answers();
    expect(answers.take(answer(9).subarray(0, 12))).toBeUndefined();
    expect(answers.take(answer(9).subarray(12))).toEqual(answer(9));
    expect(answers.take(Buffer.concat([answer(0), answer(1), answer(2).subarray(0, 5)]))).toEqual(
      Buffer.concat([answer(0), answer(1)]),
    );
    expect(answers.take(answer(2).subarray(5))).toEqual(answer(2));
  });

  it.each([-1, 2 ** 31 - 1])('of %i bytes are refused', (length) => {
    const bytes = Buffer.alloc(8);
    bytes.writeInt32BE(length);
    expect(() => new Answers().take(bytes)).toThrow('this is no Kafka broker');
  });
});

describe('a socket to a broker', () => {
  it.each([
    ['ends', 'end'],
    ['is reset', 'resetAndDestroy'],
  ] as const)('that %s in the middle of an answer hands on what came before, and nothing of it', async (_, how) => {
    const server = createServer((socket) => {
      socket.write(Buffer.concat([answer(3), answer(1000).subarray(0, 500)]), () => {
        // the other end has it before the connection goes
        socket.once('data', () => socket[how]());
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const socket = withWholeAnswers(connect({ host: '127.0.0.1', port: (server.address() as AddressInfo).port }));
    const got: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => {
      got.push(chunk);
      socket.write('seen');
    });
    socket.on('error', () => undefined);
    await new Promise((resolve) => socket.on('close', resolve));
    expect(Buffer.concat(got)).toEqual(answer(3));
    server.close();
  });

  it('of something that is no broker ends with what it is', async () => {
    const server = createServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const socket = withWholeAnswers(connect({ host: '127.0.0.1', port: (server.address() as AddressInfo).port }));
    socket.resume();
    await expect(once(socket, 'close')).rejects.toThrow('this is no Kafka broker');
    server.close();
  });
});
