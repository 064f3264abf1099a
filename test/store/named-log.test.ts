import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type LogGap, nameLog, type NamedLog, readGaps, readNamedLog, recordGap } from '../../src/store/named-log.ts';
import { openTestStore, type TestStore } from '../support/store.ts';

const log = (logId: string, firstPosition = 0): NamedLog => ({
  ...{
    logId,
    kind: 'embedded',
    name: '',
    firstPosition,
    recordedMs: 1772323200000,
    recordedBy: firstPosition === 0 ? '' : 'ann',
  },
});

describe('the log that a database names', () => {
  let test: TestStore;
  beforeAll(async () => {
    test = await openTestStore();
  });
  afterAll(() => test.remove());

  it('is named once, whoever comes first, and another only by the next number', async () => {
    expect(await readNamedLog(test.store)).toBeUndefined();
    const names = await Promise.all(['a', 'b', 'c'].map((digit) => nameLog(test.store, 1, log(digit.repeat(32)))));
    const [first] = names;
    expect(names).toEqual([first, first, first]);
    expect(await nameLog(test.store, 1, log('d'.repeat(32)))).toEqual(first);
    const second = { ...log('e'.repeat(32), 150), seq: 2 };
    expect(await nameLog(test.store, 2, second)).toEqual(second);
    expect(await readNamedLog(test.store)).toEqual(second);
  });

  it('keeps what was let pass, once each, with what is not known left open', async () => {
    const gap: LogGap = {
      ...{ logId: 'e'.repeat(32), partition: 0, kind: 'record', from: 17, until: 18, samples: 50n },
      ...{ why: `a flipped bit, ${'x'.repeat(200)}`, who: 'ann', recordedMs: 5 },
    };
    const open: LogGap = { ...gap, kind: 'log', from: 150, until: null, samples: null, recordedMs: 6 };
    for (const each of [gap, open, gap]) await recordGap(test.store, each);
    expect(await readGaps(test.store)).toEqual([gap, open]);
  });
});
