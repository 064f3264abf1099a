import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ndjsonArbitrary, textArbitrary, validTextArbitrary } from './generatetext.ts';
import { judge, judgeNdjson } from './sample.ts';
import { literalOf, parseTagged, stringOf, type Tagged } from './taggedjson.ts';

const CLOCK = { nowMs: Date.UTC(2026, 2, 1, 12, 34, 56, 789), retentionMs: 90 * 86_400_000 };

describe('the generator of texts', () => {
  it('spells valid samples in ways that are accepted', () => {
    fc.assert(
      fc.property(validTextArbitrary(CLOCK), (line) => {
        const verdict = judge(line, CLOCK);
        expect(line.includes(0x0a)).toBe(false);
        expect(verdict.ok ? '' : `${verdict.code} ${verdict.field} ${new TextDecoder().decode(line)}`).toBe('');
      }),
      { numRuns: 500 },
    );
  });

  it('comes upon every rejection, and often enough upon a valid sample', () => {
    const seen = new Map<string, number>();
    for (const line of fc.sample(textArbitrary(CLOCK), { seed: 1, numRuns: 6000 })) {
      expect(line.includes(0x0a)).toBe(false);
      const verdict = judge(line, { ...CLOCK, allowed: (vm) => !vm.startsWith('A') });
      const code = verdict.ok ? 'ok' : verdict.code;
      seen.set(code, (seen.get(code) ?? 0) + 1);
    }
    expect(seen.get('ok')).toBeGreaterThan(1000);
    expect([...seen].filter(([, times]) => times >= 10)).toHaveLength(13);
  });

  it('makes bodies whose lines are judged one by one', () => {
    fc.assert(
      fc.property(ndjsonArbitrary(CLOCK), (body) => {
        // a byte order mark is the body's, not its first line's
        const lines = Buffer.from(body)
          .toString('latin1')
          .replace(/^\u00ef\u00bb\u00bf/, '')
          .split('\n');
        const kept = lines.filter((line) => /[^ \t\r]/.test(line)).map((line) => new Uint8Array(Buffer.from(line, 'latin1')));
        expect(judgeNdjson(body, CLOCK)).toEqual(kept.map((line) => judge(line, CLOCK)));
      }),
    );
  });
});

/** Takes the tags off again, numbers as JSON.parse has them. */
function untag(value: Tagged): unknown {
  const literal = literalOf(value);
  if (literal !== undefined) return Number(literal);
  if (typeof value === 'string') return stringOf(value);
  if (Array.isArray(value)) return value.map((each: Tagged) => untag(each));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key.slice(1), untag(each)]));
}

describe('tagged JSON', () => {
  it('is what JSON.parse gives, once the tags are off', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 5 }), fc.constantFrom(0, 1, 2), (text, indent) => {
        const spaced = JSON.stringify(JSON.parse(text), null, indent);
        expect(JSON.stringify(untag(parseTagged(spaced) ?? null))).toBe(JSON.stringify(JSON.parse(spaced)));
      }),
      { numRuns: 300 },
    );
  });

  it.each(['-0', '1.0', '1e3', '-1.5E+10', '18446744073709551616', '0'])('keeps %s as it was written', (literal) => {
    expect(literalOf(parseTagged(literal) ?? null)).toBe(literal);
    expect(parseTagged(`["n1",${literal},"\\"${literal}",{"${literal}":${literal}}]`)).toEqual([
      'sn1',
      `n${literal}`,
      `s"${literal}`,
      { [`s${literal}`]: `n${literal}` },
    ]);
  });
});
