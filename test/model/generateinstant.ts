/** Instants as RFC 3339 spells them, and texts that only look like it. */
import fc from 'fast-check';

/** Texts that are no instant, or one on the edge of what counts as one. */
export const ODD_INSTANTS = [
  '2026-02-29T00:00:00Z',
  '2024-02-29T00:00:00Z',
  '1900-02-29T00:00:00Z',
  '2026-13-01T00:00:00Z',
  '2026-00-01T00:00:00Z',
  '2026-04-31T00:00:00Z',
  '2026-01-01T24:00:00Z',
  '2026-01-01T23:59:60Z',
  '2026-01-01T00:60:00Z',
  '2026-01-01 00:00:00Z',
  '2026-01-01T00:00:00',
  '2026-01-01T00:00:00.Z',
  '2026-01-01T00:00:00,5Z',
  '2026-01-01T00:00:00+24:00',
  '2026-01-01T00:00:00+01:60',
  '2026-01-01T00:00:00+0100',
  '2026-01-01T00:00Z',
  '2026-1-1T00:00:00Z',
  '0000-01-01T00:00:00Z',
  '9999-12-31T23:59:59.999Z',
  '1970-01-01T00:00:00Z',
  '1970-01-01T00:00:00+00:01',
  '1969-12-31T23:59:59.9999Z',
  '+02026-01-01T00:00:00Z',
  ' 2026-01-01T00:00:00Z',
  '2026-01-01T00:00:00Z ',
];

/** One of the many spellings of an instant. */
export interface RfcStyle {
  readonly offsetMinutes: number;
  readonly t: string;
  readonly z: string;
  /** Digits after the milliseconds, or null to leave the fraction out (which moves the instant to the whole second). */
  readonly more: string | null;
}

export function rfcStyleArbitrary(): fc.Arbitrary<RfcStyle> {
  return fc.record({
    offsetMinutes: fc.oneof(fc.constantFrom(0, 60, -300, 345, 1439, -1439), fc.integer({ min: -1439, max: 1439 })),
    t: fc.constantFrom('T', 'T', 't'),
    z: fc.constantFrom('Z', 'z', '+00:00', '-00:00'),
    more: fc.constantFrom(null, '', '', '9', '000001', '999999999999999999999'),
  });
}

/** A JSON string of the instant in the style; without its fraction it is a whole second near it, nearer to now. */
export function rfcText(ms: number, { offsetMinutes, t, z, more }: RfcStyle, nowMs: number): string {
  // Rounding towards now, so that an instant on the edge of what is accepted stays inside.
  const wholeSeconds = ms > nowMs ? Math.floor(ms / 1000) : Math.ceil(ms / 1000);
  const shownMs = (more === null ? wholeSeconds * 1000 : ms) + offsetMinutes * 60_000;
  const iso = new Date(shownMs).toISOString();
  const two = (n: number): string => String(n).padStart(2, '0');
  const minutes = Math.abs(offsetMinutes);
  const offset =
    offsetMinutes === 0 ? z : `${offsetMinutes < 0 ? '-' : '+'}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
  return `"${iso.slice(0, 10)}${t}${iso.slice(11, 19)}${more === null ? '' : iso.slice(19, 23) + more}${offset}"`;
}
