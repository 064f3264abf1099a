import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AggregatorThread } from '../../src/aggregate/embedded/thread.ts';
import { Admission } from '../../src/ingest/admission.ts';
import type { Sender } from '../../src/http/keys.ts';
import { type NameShares, openNameShares } from '../../src/ingest/name-shares.ts';
import { openTestStore, type TestStore } from '../support/store.ts';

/** Room for VMs before an aggregator that takes everything in at once; frames are texts of names here. */
function roomFor(vmsMax: number, keyVmsMax: number, shares: NameShares) {
  const known = new Set<string>();
  const namesIn = (frames: Uint8Array): string[] => Buffer.from(frames).toString().split(',');
  let failing = false;
  const aggregator = {
    progress: () => ({ aggregatedSeq: 0, aggregatedSamples: 0n, vmSlots: known.size, nicSlots: known.size }),
    until: () => Promise.resolve(),
    newNames: (frames: Uint8Array) => {
      const vms = new Set(namesIn(frames).filter((name) => !known.has(name))).size;
      return Promise.resolve({ vms, nics: vms });
    },
  } as unknown as AggregatorThread;
  const log = { headSeq: 1, samplesAppended: 0n };
  const admission = new Admission({ log, aggregator, vmsMax, nicsMax: vmsMax, keyVmsMax, shares });
  const post = async (sender: Sender, from: number, until: number): Promise<string> => {
    const names = Array.from({ length: until - from }, (_, i) => `${sender.id}-${from + i}`);
    const append = (): Promise<void> => {
      if (failing) return Promise.reject(new Error('the disk says no'));
      for (const name of names) known.add(name);
      return Promise.resolve();
    };
    return admission
      .admit(names.length, Buffer.from(names.join(',')), sender, append, () => append)
      .then(() => 'in')
      .catch((error: unknown) => (error as { code?: string; message: string }).code ?? (error as Error).message);
  };
  return { post, known, fail: (fails: boolean) => (failing = fails) };
}

const agent = (id: string): Sender => ({ id, name: id, role: 'agent' });
const ADMIN: Sender = { id: 'admin', name: 'admin', role: 'admin' };

describe('room for names', () => {
  let test: TestStore;
  const opened = (): Promise<NameShares> => openNameShares(test.store, () => 1_772_323_200_000);
  beforeAll(async () => {
    test = await openTestStore();
  });
  afterAll(() => test.remove());

  it('the first half is for whoever comes first, of the second a key has its share, and others still find room', async () => {
    const { post, known } = roomFor(1000, 60, await opened());
    expect(await post(agent('a'), 0, 1000)).toBe('capacity_full');
    expect(known.size).toBe(0);
    expect(await post(agent('a'), 0, 500)).toBe('in');
    expect(await post(agent('a'), 500, 560)).toBe('in');
    expect(await post(agent('a'), 560, 561)).toBe('capacity_full');
    expect(await post(agent('a'), 0, 560)).toBe('in');
    expect(await post(agent('b'), 0, 61)).toBe('capacity_full');
    expect(await post(agent('b'), 0, 60)).toBe('in');
    expect(await post(ADMIN, 0, 380)).toBe('in');
    expect(await post(ADMIN, 380, 381)).toBe('capacity_full');
  });

  it('a share that is used up stays so through a restart', async () => {
    const { post } = roomFor(20, 2, await opened());
    expect(await post(agent('c'), 0, 10)).toBe('in');
    expect(await post(agent('c'), 10, 12)).toBe('in');
    const again = roomFor(20, 2, await opened());
    expect(await again.post(ADMIN, 0, 10)).toBe('in');
    expect(await again.post(agent('c'), 12, 13)).toBe('capacity_full');
    expect(await again.post(agent('d'), 0, 2)).toBe('in');
  });

  it('what the log did not take is granted again and counted once', async () => {
    const { post, fail } = roomFor(20, 2, await opened());
    expect(await post(ADMIN, 0, 10)).toBe('in');
    fail(true);
    for (let i = 0; i < 5; i++) expect(await post(agent('e'), 0, 2)).toBe('the disk says no');
    fail(false);
    expect(await post(agent('e'), 0, 2)).toBe('in');
    expect(await post(agent('e'), 2, 3)).toBe('capacity_full');
    expect((await opened()).broughtBy('e')).toEqual({ vms: 2, nics: 2 });
  });

  it('who comes while another is granted its share finds the room that is left then', async () => {
    const { post, known } = roomFor(4, 2, await opened());
    expect(await post(ADMIN, 0, 2)).toBe('in');
    expect(await Promise.all([post(agent('g'), 0, 2), post(agent('h'), 0, 2)])).toEqual(['in', 'capacity_full']);
    expect(known.size).toBe(4);
  });

  it('a forgetting gives every key all of its share again, also after a restart', async () => {
    const shares = await opened();
    const { post, known } = roomFor(20, 2, shares);
    expect(await post(ADMIN, 0, 10)).toBe('in');
    expect(await post(agent('i'), 0, 2)).toBe('in');
    expect(await post(agent('i'), 2, 3)).toBe('capacity_full');
    shares.beginAnew(7n);
    for (const name of ['i-0', 'i-1']) known.delete(name);
    expect(await post(agent('i'), 2, 4)).toBe('in');
    expect(shares.broughtBy('i')).toEqual({ vms: 2, nics: 2 });
    expect((await openNameShares(test.store, () => 0, 7n)).broughtBy('i')).toEqual({ vms: 2, nics: 2 });
    expect((await openNameShares(test.store, () => 0, 8n)).broughtBy('i')).toEqual({ vms: 0, nics: 0 });
  });

  it('interfaces are names as well', async () => {
    const shares = await opened();
    const aggregator = {
      progress: () => ({ aggregatedSeq: 0, aggregatedSamples: 0n, vmSlots: 1, nicSlots: 100 }),
      until: () => Promise.resolve(),
      newNames: () => Promise.resolve({ vms: 0, nics: 20 }),
    } as unknown as AggregatorThread;
    const log = { headSeq: 1, samplesAppended: 0n };
    const admission = new Admission({ log, aggregator, vmsMax: 100, nicsMax: 200, keyVmsMax: 10, shares });
    const post = (): Promise<void> =>
      admission.admit(1, Buffer.from('x'), agent('f'), () => Promise.resolve(), () => () => Promise.resolve()); // prettier-ignore
    await post();
    await expect(post()).rejects.toMatchObject({ code: 'capacity_full', status: 503 });
    await expect(post()).rejects.toThrow(/key f has brought 0 and 20 of the 10 and 20 that are its share/);
  });
});
