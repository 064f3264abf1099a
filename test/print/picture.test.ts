import { describe, expect, it } from 'vitest';
import type { ShownVmDays } from '../../src/print/invoice-shape.ts';
import { pictureOf } from '../../src/print/picture.ts';
import { wordsOf } from '../../src/print/words/language.ts';
import { DATES, shownDays } from '../support/shown-invoice.ts';

/** What a picture says in words: "always up" only of what was measured, all of it. */
const DAY_MS = 86_400_000;
const SIZE = { width: 310, uptime: 10, gap: 2, traffic: 10 };
const days = (ms: (day: number) => number): number[] => DATES.map((_, day) => ms(day));
const WHOLE = days(() => DAY_MS);
const HALF = days((day) => (day < 15 ? DAY_MS : 0));

function drawn(vms: ShownVmDays[], language: 'en' | 'zh-Hant' = 'en') {
  const picture = pictureOf({ time_zone: 'UTC', dates: DATES, vms }, { account: SIZE, vm: SIZE }, wordsOf(language));
  if (picture === null) throw new Error('there is a picture of any days');
  return picture;
}
const said = (change: Partial<ShownVmDays>, language: 'en' | 'zh-Hant' = 'en'): string => {
  const { summary } = drawn([shownDays('v', { rx_bytes: days(() => 0), tx_bytes: days(() => 0), ...change })], language).account;
  return summary;
};

describe('the words of a picture', () => {
  it.each<[string, Partial<ShownVmDays>, string]>([
    ['served and measured throughout', { served_ms: WHOLE }, 'always up'],
    ['measured as long as it was served', { served_ms: HALF, up_ms: HALF }, 'always up'],
    ['measured for half of its service', { served_ms: WHOLE, up_ms: HALF }, 'up whenever it was measured · not measured 384 h'],
    ['never measured', { served_ms: WHOLE, up_ms: days(() => 0) }, 'not measured'],
    [
      'silent for a day',
      {
        served_ms: WHOLE,
        up_ms: days((day) => (day === 3 ? 0 : DAY_MS)),
        not_up_ms: { silent: days((day) => (day === 3 ? DAY_MS : 0)) },
      },
      'up whenever it was measured · not measured 24 h',
    ],
    ['silent throughout', { served_ms: WHOLE, up_ms: days(() => 0), not_up_ms: { silent: WHOLE } }, 'not measured'],
    [
      'down for a day, and not measured for half of the rest',
      {
        served_ms: WHOLE,
        up_ms: days((day) => (day > 0 && day < 16 ? DAY_MS : 0)),
        not_up_ms: { provider: days((day) => (day === 0 ? DAY_MS : 0)) },
      },
      'not up 24 h (provider 24 h) · not measured 360 h',
    ],
    ['of a document that does not say what was served, whole', {}, 'always up'],
    ['of a document that does not say what was served, in part', { up_ms: HALF }, 'up whenever it was measured'],
  ])('of a VM that was %s', (_, change, words) => {
    expect(said(change)).toBe(words);
  });

  it('are those of the document', () => {
    expect(said({ served_ms: WHOLE, up_ms: HALF }, 'zh-Hant')).toBe('量測期間均正常運行 · 未量測 384 小時');
  });

  it('of an account count what was not measured of any of its VMs', () => {
    const never = shownDays('never', {
      served_ms: WHOLE,
      up_ms: days(() => 0),
      rx_bytes: days(() => 0),
      tx_bytes: days(() => 0),
    });
    const { account, vms } = drawn([shownDays('whole', { served_ms: WHOLE }), never]);
    expect(account.summary).toContain('up whenever it was measured · not measured 744 h');
    expect(vms.map((each) => each.summary.split(' · ')[0])).toEqual(['always up', 'not measured']);
  });

  it('and what is drawn agree: time that was not measured is grey, not white', () => {
    const { boxes } = drawn([shownDays('v', { served_ms: WHOLE, up_ms: HALF })]).account;
    expect(boxes.some((box) => box.ink === 'silent' && box.x >= 15 * 10 - 0.01 && box.h === SIZE.uptime)).toBe(true);
    const { boxes: ended } = drawn([shownDays('v', { served_ms: HALF, up_ms: HALF })]).account;
    expect(ended.some((box) => box.ink === 'silent')).toBe(false);
  });
});
