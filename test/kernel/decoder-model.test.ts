import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Decoder } from '../../src/kernel/decoder.ts';
import { ndjsonArbitrary, textArbitrary } from '../model/generatetext.ts';
import { judgeJsonArray, judgeNdjson } from '../model/sample.ts';
import { parseTagged } from '../model/taggedjson.ts';
import { dice, manyLines } from './lines.ts';
import { CLOCK, decodeContext, decoded, expectedOf, judgeContext, spoken } from './verdicts.ts';

/** As many lines a call as errors are told, so that none is lost. */
const LINES_A_BODY = 100;
const PATTERNS = ['vm-0*', '*a*', '*:8', 'x*x*x'];

/** How many lines the decoder and the model were asked about; a difference fails with the line. */
function compareLines(decoder: Decoder, lines: readonly Uint8Array[], patterns: readonly string[] | null): number {
  let accepted = 0;
  for (let from = 0; from < lines.length; from += LINES_A_BODY) {
    const some = lines.slice(from, from + LINES_A_BODY);
    const body = Buffer.concat(some.flatMap((line) => [line, Buffer.from('\n')]));
    const verdicts = judgeNdjson(body, judgeContext(patterns));
    const answer = decoded(decoder, body, 'ndjson', decodeContext(patterns));
    const [said, expected] = [spoken(answer), expectedOf(verdicts)];
    if (said.join('\n') !== expected.join('\n')) {
      // one by one, to show the line that the two differ on
      for (const line of some) {
        const [alone, model] = [
          spoken(decoded(decoder, line, 'ndjson', decodeContext(patterns))),
          judgeNdjson(line, judgeContext(patterns)),
        ];
        expect({ line: Buffer.from(line).toString('latin1'), said: alone }).toEqual({
          line: Buffer.from(line).toString('latin1'),
          said: expectedOf(model),
        });
      }
      expect(said).toEqual(expected);
    }
    accepted += answer.accepted;
  }
  return accepted;
}

describe('the decoder and the model are of one mind', () => {
  it('about 120,000 generated and damaged lines', () => {
    const lines = manyLines(120_000, 1);
    const accepted = compareLines(new Decoder(), lines.slice(0, 100_000), null);
    expect(accepted).toBeGreaterThan(20_000);
    compareLines(new Decoder(), lines.slice(100_000), PATTERNS);
  });

  it('about 6,000 lines in the build with assertions', () => {
    const lines = manyLines(6000, 2);
    compareLines(new Decoder('debug'), lines.slice(0, 5000), null);
    compareLines(new Decoder('debug'), lines.slice(5000), PATTERNS);
  });

  it('about bodies of lines', () => {
    const decoder = new Decoder();
    fc.assert(
      fc.property(ndjsonArbitrary(CLOCK), (body) => {
        expect(spoken(decoded(decoder, body))).toEqual(expectedOf(judgeNdjson(body, CLOCK)));
      }),
      { numRuns: 1000 },
    );
  });

  it.each(['release', 'debug'] as const)('about JSON documents, whole and damaged (%s)', (build) => {
    const decoder = new Decoder(build);
    const roll = dice(3);
    const elements = manyLines(build === 'release' ? 20_000 : 2000, 4).filter((line) => parseTagged(line) !== undefined);
    const gaps = ['', '', '', ' ', '\n', '\r\n\t'].map((gap) => Buffer.from(gap));
    const gap = (): Buffer => gaps[roll(gaps.length)] as Buffer;
    let documents = 0;
    for (let from = 0; from < elements.length;) {
      const some = elements.slice(from, from + roll(12));
      from += Math.max(1, some.length);
      const parts = some.flatMap((element, i) => [gap(), element, gap(), Buffer.from(i < some.length - 1 ? ',' : '')]);
      const body = Buffer.concat([gap(), Buffer.from('['), ...parts, gap(), Buffer.from(']'), gap()]);
      const at = roll(body.length);
      const cases = [
        body,
        body.subarray(0, at),
        Buffer.concat([body.subarray(0, at), Buffer.of(roll(256)), body.subarray(at + 1)]),
      ];
      for (const each of cases) {
        const answer = decoder.decode([each], 'json', decodeContext());
        // a document that is none has no verdicts of its own: the model calls it one malformed sample
        const said =
          answer.outcome === 'decoded' ? spoken(answer) : answer.outcome === 'malformed_document' ? ['0 malformed_json '] : [];
        expect(said).toEqual(expectedOf(judgeJsonArray(each, CLOCK)));
        documents++;
      }
    }
    expect(documents).toBeGreaterThan(400);
  });

  it('about one sample as a document', () => {
    const decoder = new Decoder();
    fc.assert(
      fc.property(textArbitrary(CLOCK), (body) => {
        const answer = decoder.decode([body], 'json', decodeContext());
        expect(answer.outcome === 'decoded' ? spoken(answer) : ['0 malformed_json ']).toEqual(
          expectedOf(judgeJsonArray(body, CLOCK)),
        );
      }),
      { numRuns: 2000 },
    );
  });
});
