/** What the decoder said, in the words of the model, so that the two can be compared as text. */
import type { DecodeContext, Decoded, Decoder } from '../../src/kernel/decoder.ts';
import type { JudgeContext, Verdict } from '../model/sample.ts';
import { readFrames, type FrameSample } from '../support/frames.ts';

export const CLOCK = { nowMs: Date.UTC(2026, 2, 1, 12, 34, 56, 789), retentionMs: 90 * 86_400_000 };

/** Terms of a request in the decoder's form. @param patterns null lets every VM in */
export function decodeContext(patterns: readonly string[] | null = null): DecodeContext {
  return { nowMs: CLOCK.nowMs, oldestMs: CLOCK.nowMs - CLOCK.retentionMs, patterns };
}

/** The same terms in the model's form, the globs as regular expressions. */
export function judgeContext(patterns: readonly string[] | null = null): JudgeContext {
  if (patterns === null) return CLOCK;
  const globs = patterns.map((glob) => new RegExp(`^${glob.split('*').map(literally).join('.*')}$`));
  return { ...CLOCK, allowed: (vm) => globs.some((glob) => glob.test(vm)) };
}

function literally(text: string): string {
  return text.replaceAll(/[.\\^$+?()[\]{}|]/g, '\\$&');
}

type Answer = Extract<Decoded, { outcome: 'decoded' }>;

/** The decoder's answer to a body that it must read to its end. */
export function decoded(
  decoder: Decoder,
  body: Uint8Array | string,
  format: 'ndjson' | 'json' = 'ndjson',
  context: DecodeContext = decodeContext(),
): Answer {
  const answer = decoder.decode([typeof body === 'string' ? Buffer.from(body) : body], format, context);
  if (answer.outcome !== 'decoded') throw new Error(`the decoder answers ${answer.outcome}`);
  return answer;
}

/** `index code field` of every rejection told, then every sample, as one text. */
export function spoken(answer: Answer): string[] {
  return [
    ...answer.errors.map(({ index, code, field }) => `${index} ${code} ${field}`),
    ...readFrames(answer.frames).map(sampleText),
  ];
}

/** What `spoken` must be for these verdicts of the model. */
export function expectedOf(verdicts: readonly Verdict[]): string[] {
  const errors = verdicts.flatMap((verdict, index) => (verdict.ok ? [] : [`${index} ${verdict.code} ${verdict.field}`]));
  return [...errors.slice(0, 100), ...verdicts.flatMap((verdict) => (verdict.ok ? [sampleText(verdict.sample)] : []))];
}

function sampleText(sample: FrameSample): string {
  const { vm, nic, tsMs, counters, epoch, condition, startedAtMs, linkMbps, isSum, saysNoState, holdMs, host, part } = sample;
  const said = Object.entries({ startedAtMs, linkMbps, isSum, saysNoState, holdMs, host, part }).filter(
    ([, value]) => value !== undefined,
  );
  const more = said.map(([name, value]) => ` ${name}=${value}`).join('');
  return `${vm}|${nic} ${tsMs} ${counters === null ? '-' : `${counters.rx}/${counters.tx}`} ${epoch} ${condition}${more}`;
}
