import { appendFile, cp, mkdtemp, readFile, readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Spool, type SpooledBatch } from '../../src/agent/spool.ts';
import { LockedError } from '../../src/process/held-lock.ts';

let dir: string;
const opened: Spool[] = [];

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'uptally-spool-'));
});
afterEach(async () => {
  for (const spool of opened.splice(0)) await spool.close();
  await rm(dir, { recursive: true, force: true });
});

async function openSpool(path = dir, bytesMax = 1 << 20): Promise<Spool> {
  const spool = await Spool.open({ dir: path, bytesMax });
  opened.push(spool);
  return spool;
}

const record = (text: string, lastAtMs = 1000): { body: Buffer; samples: number; lastAtMs: number } => ({
  body: Buffer.from(text),
  samples: 1,
  lastAtMs,
});
const text = (batch: SpooledBatch | null): string | null => (batch === null ? null : Buffer.from(batch.body).toString());

async function drain(spool: Spool): Promise<string[]> {
  const texts: string[] = [];
  for (let batch = await spool.peek(); batch !== null; batch = await spool.peek()) {
    texts.push(text(batch) ?? '');
    await spool.done(batch);
  }
  return texts;
}

/** What a crash leaves: the files as they are, without the lock's owner. */
async function crashImage(): Promise<string> {
  const image = await mkdtemp(join(tmpdir(), 'uptally-spool-image-'));
  await cp(dir, image, { recursive: true });
  await rm(join(image, 'lock'));
  return image;
}

const onlySegment = async (path: string): Promise<string> => {
  const name = (await readdir(path)).filter((entry) => entry.endsWith('.seg')).at(-1);
  if (name === undefined) throw new Error('there is no segment');
  return join(path, name);
};

describe('spool', () => {
  it('gives batches back in order, byte for byte, and is empty afterwards', async () => {
    const spool = await openSpool();
    const bodies = Array.from({ length: 50 }, (_, i) => `batch ${i}`);
    for (const body of bodies) await spool.append(record(body));
    expect(spool.pending).toMatchObject({ batches: 50, samples: 50 });
    expect(await drain(spool)).toEqual(bodies);
    expect(spool.pending).toEqual({ batches: 0, samples: 0, bytes: 0 });
  });

  it('keeps a batch until it is done with, however often it is looked at', async () => {
    const spool = await openSpool();
    await spool.append(record('a'));
    const first = await spool.peek();
    const second = await spool.peek();
    expect([text(first), text(second)]).toEqual(['a', 'a']);
    if (first === null) throw new Error('unreachable');
    await spool.done(first);
    await spool.done(first);
    expect(await spool.peek()).toBeNull();
  });

  it('survives a crash at any point: what is not done with comes again, in order', async () => {
    const spool = await openSpool();
    for (const body of ['a', 'b', 'c']) await spool.append(record(body, 7000));
    const head = await spool.peek();
    if (head !== null) await spool.done(head);
    const image = await crashImage();
    const after = await openSpool(image);
    expect(after.pending.batches).toBe(2);
    expect(after.lastAtMs).toBe(7000);
    await after.append(record('d', 8000));
    expect(await drain(after)).toEqual(['b', 'c', 'd']);
    await rm(image, { recursive: true });
  });

  it('sends everything left again when the cursor is torn', async () => {
    const spool = await openSpool();
    for (const body of ['a', 'b']) await spool.append(record(body));
    const head = await spool.peek();
    if (head !== null) await spool.done(head);
    const image = await crashImage();
    await writeFile(join(image, 'cursor'), '{"segm');
    expect(await drain(await openSpool(image))).toEqual(['a', 'b']);
    await rm(image, { recursive: true });
  });

  it('ignores the torn end of a write at every length, and goes on behind it', async () => {
    const spool = await openSpool();
    await spool.append(record('whole'));
    const whole = (await readFile(await onlySegment(dir))).length;
    await spool.append(record('torn'));
    const full = (await readFile(await onlySegment(dir))).length;
    for (let length = whole; length < full; length += 5) {
      const image = await crashImage();
      await truncate(await onlySegment(image), length);
      const after = await openSpool(image);
      await after.append(record('next'));
      expect(await drain(after)).toEqual(['whole', 'next']);
      await rm(image, { recursive: true });
    }
  });

  it('never gives out a batch whose bytes changed on disk', async () => {
    const spool = await openSpool();
    await spool.append(record('good'));
    await spool.append(record('evil'));
    const image = await crashImage();
    const path = await onlySegment(image);
    const bytes = await readFile(path);
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
    await writeFile(path, bytes);
    const after = await openSpool(image);
    expect(await drain(after)).toEqual(['good']);
    expect((await readdir(join(image, 'rejected'))).some((name) => name.startsWith('damaged-'))).toBe(true);
    await rm(image, { recursive: true });
  });

  it('remembers the last instant after everything was sent', async () => {
    const spool = await openSpool();
    await spool.append(record('a', 123_456));
    await drain(spool);
    await spool.close();
    opened.length = 0;
    expect((await openSpool()).lastAtMs).toBe(123_456);
  });

  it('drops the oldest batches when it is full, counts them, and stays within its bound', async () => {
    const spool = await openSpool(dir, 512 * 1024);
    const body = 'x'.repeat(20_000);
    for (let i = 0; i < 40; i++) await spool.append(record(`${i} ${body}`));
    const left = await drain(spool);
    expect(left.length + spool.dropped.batches).toBe(40);
    expect(spool.dropped.batches).toBeGreaterThan(0);
    expect(left.map((t) => Number(t.split(' ')[0]))).toEqual(Array.from({ length: left.length }, (_, i) => 40 - left.length + i));
    expect(left.length * 20_000).toBeLessThanOrEqual(512 * 1024);
  });

  it('takes no harm when the batch under way was dropped meanwhile', async () => {
    const spool = await openSpool(dir, 256 * 1024);
    const body = 'x'.repeat(60_000);
    await spool.append(record(`0 ${body}`));
    const inFlight = await spool.peek();
    for (let i = 1; i < 8; i++) await spool.append(record(`${i} ${body}`));
    if (inFlight !== null) await spool.done(inFlight);
    const left = (await drain(spool)).map((t) => Number(t.split(' ')[0]));
    expect(left.at(0)).toBeGreaterThan(0);
    expect(left.at(-1)).toBe(7);
  });

  it('refuses a batch larger than itself', async () => {
    const spool = await openSpool(dir, 100);
    await expect(spool.append(record('x'.repeat(200)))).rejects.toThrow('does not fit');
  });

  it('keeps a refused batch with its reason', async () => {
    const spool = await openSpool();
    await spool.append(record('no good'));
    const batch = await spool.peek();
    if (batch !== null) await spool.setAside(batch, '400 nothing usable');
    expect(await spool.peek()).toBeNull();
    const names = await readdir(join(dir, 'rejected'));
    expect(names.sort().map((name) => name.replace(/^[\d-]+/, ''))).toEqual(['.ndjson.gz', '.reason.txt']);
    const kept = await Promise.all(names.sort().map((name) => readFile(join(dir, 'rejected', name), 'utf8')));
    expect(kept).toEqual(['no good', '400 nothing usable\n']);
  });

  it('is for one agent at a time, and a dead one does not hold it', async () => {
    await openSpool();
    await expect(Spool.open({ dir, bytesMax: 1000 })).rejects.toThrow(LockedError);
    const other = await mkdtemp(join(tmpdir(), 'uptally-spool-'));
    await writeFile(join(other, 'lock'), `${process.pid} 1 another-boot`);
    await openSpool(other);
    await rm(other, { recursive: true });
  });

  it('goes on when sampler and sender use it at once', async () => {
    const spool = await openSpool();
    const got: string[] = [];
    const appends = (async () => {
      for (let i = 0; i < 100; i++) await spool.append(record(`${i}`));
    })();
    while (got.length < 100) {
      const batch = await spool.peek();
      if (batch === null) await new Promise(setImmediate);
      else {
        got.push(text(batch) ?? '');
        await spool.done(batch);
      }
    }
    await appends;
    expect(got).toEqual(Array.from({ length: 100 }, (_, i) => `${i}`));
  });

  it('skips foreign files', async () => {
    await appendFile(join(dir, 'README'), 'hello');
    expect(await (await openSpool()).peek()).toBeNull();
  });
});
