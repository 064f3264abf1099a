/** Figures as people read them, exact: from digits and bigints, never from a float. */
import { parseInstant } from '../../src/domain/instant.ts';
import { language } from './words.ts';

/** The language of numbers: both Chinese forms and English write 1,234.5. */
const grouping = new Intl.NumberFormat('en', { useGrouping: true });

/** A whole number of any size, in groups of three. */
export function whole(value: bigint | number): string {
  return grouping.format(typeof value === 'bigint' ? value : BigInt(value));
}

/** An amount as the API writes it (`-1234.50`), its whole part in groups. */
export function amount(text: string): string {
  const [, sign = '', units = '0', rest = ''] = /^(-?)(\d+)(\.\d+)?$/.exec(text) ?? [];
  return `${sign === '-' ? '\u2212' : ''}${whole(BigInt(units))}${rest}`;
}

/** Nanos of a currency's unit (credits of minutes), to two digits and as many more as it has. */
export function nanos(value: bigint): string {
  const size = value < 0n ? -value : value;
  const rest = (size % 1_000_000_000n)
    .toString()
    .padStart(9, '0')
    .replace(/0{1,7}$/, '');
  return amount(`${value < 0n ? '-' : ''}${(size / 1_000_000_000n).toString()}.${rest}`);
}

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB', 'EB', 'ZB'] as const;

/** Bytes in the unit that leaves three digits, cut and not rounded: `1.23 TB`. */
export function bytes(value: bigint | number): string {
  const exact = BigInt(value);
  let unit = 0;
  let size = 1n;
  while (unit < UNITS.length - 1 && exact >= size * 1000n) {
    size *= 1000n;
    unit += 1;
  }
  if (unit === 0) return `${exact.toString()} B`;
  const hundredths = (exact * 100n) / size;
  const units = hundredths / 100n;
  const digits =
    units >= 100n
      ? ''
      : units >= 10n
        ? `.${((hundredths % 100n) / 10n).toString()}`
        : `.${(hundredths % 100n).toString().padStart(2, '0')}`;
  return `${units.toString()}${digits} ${UNITS[unit] ?? ''}`;
}

/** A length of time: `3 d 4 h`, `7 min`, `12 s`. Two units are enough; what is below them is cut. */
export function length(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  const parts: readonly (readonly [number, string])[] = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'min'],
    [seconds % 60, 's'],
  ];
  const first = parts.findIndex(([count]) => count > 0);
  if (first === -1) return '0 s';
  return parts
    .slice(first, first + 2)
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count} ${unit}`)
    .join(' ');
}

const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(zone: string, kind: 'instant' | 'day'): Intl.DateTimeFormat {
  const name = `${kind} ${zone} ${language()}`;
  const known = formats.get(name);
  if (known !== undefined) return known;
  const day = { timeZone: zone, year: 'numeric', month: '2-digit', day: '2-digit' } as const;
  const made = new Intl.DateTimeFormat(
    'sv-SE',
    kind === 'day' ? day : { ...day, hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' },
  );
  formats.set(name, made);
  return made;
}

/** An instant on the clock of a zone: `2026-03-01 14:05`, with its seconds where it has some. */
export function instant(given: string | number, zone: string): string {
  const ms = parseInstant(given);
  if (ms === undefined) return String(given);
  const text = formatOf(zone, 'instant').format(ms);
  return text.endsWith(':00') ? text.slice(0, -3) : text;
}

/** The day of an instant in a zone: `2026-03-01`. */
export function day(given: string | number, zone: string): string {
  const ms = parseInstant(given);
  return ms === undefined ? String(given) : formatOf(zone, 'day').format(ms);
}

/** A share in thousandths of a percent as `99.987 %`, cut. */
export function percent(part: bigint, of: bigint): string {
  if (of === 0n) return '–';
  const thousandths = (part * 100_000n) / of;
  return `${(thousandths / 1000n).toString()}.${(thousandths % 1000n).toString().padStart(3, '0')} %`;
}
