/**
 * Random texts of samples for the decoder: valid ones in every spelling that JSON allows, ones with a value that is
 * nearly right, and ones with broken bytes. A line never holds a raw newline, so many of them make an NDJSON body.
 */
import fc from 'fast-check';
import { CAUSES } from '../../src/domain/condition.ts';
import { ODD_INSTANTS, rfcStyleArbitrary, rfcText } from './generateinstant.ts';
import { mutate, mutationArbitrary } from './mutate.ts';
import { FUTURE_MAX_MS } from './sample.ts';

/** The clock against which the generated instants are near: its edges are now, the future limit and `retentionMs`. */
export interface TextClock {
  readonly nowMs: number;
  readonly retentionMs: number;
}

/** A line of one valid sample (under the clock), freely spelled. */
export function validTextArbitrary(clock: TextClock): fc.Arbitrary<Uint8Array> {
  return lineArbitrary(clock, VALID);
}

/** A line that may be anything: valid, nearly valid, broken, or not UTF-8. */
export function textArbitrary(clock: TextClock): fc.Arbitrary<Uint8Array> {
  const line = fc.oneof(
    { weight: 3, arbitrary: validTextArbitrary(clock) },
    { weight: 6, arbitrary: lineArbitrary(clock, ODD) },
    { weight: 1, arbitrary: fc.constantFrom(...NO_OBJECTS).map(encode) },
  );
  const mutated = fc.tuple(line, fc.array(mutationArbitrary(), { minLength: 1, maxLength: 3 })).map(([bytes, mutations]) => {
    return mutations.reduce(mutate, bytes);
  });
  return fc.oneof({ weight: 3, arbitrary: line }, { weight: 2, arbitrary: mutated }).map(withoutNewlines);
}

/** Lines joined by newlines, sometimes with blank lines and CRs between them and with or without a last newline. */
export function ndjsonArbitrary(clock: TextClock, linesMax = 20): fc.Arbitrary<Uint8Array> {
  const end = fc.constantFrom('\n', '\n', '\n', '\r\n', '\n\n', ' \n\t\r \n').map(encode);
  return fc
    .tuple(fc.array(fc.tuple(textArbitrary(clock), end), { maxLength: linesMax }), fc.boolean())
    .map(([lines, closed]) =>
      Buffer.concat(lines.flatMap(([line, after], i) => (closed || i < lines.length - 1 ? [line, after] : [line]))),
    )
    .map((buffer) => new Uint8Array(buffer));
}

/** A key and the text of its value: what is written may be no JSON at all. */
type Entry = readonly [key: string, literal: string];
type Values = Record<
  | 'vm'
  | 'ts'
  | 'nic'
  | 'rx_bytes'
  | 'tx_bytes'
  | 'epoch'
  | 'state'
  | 'cause'
  | 'started_at'
  | 'link_mbps'
  | 'sum'
  | 'hold_s'
  | 'host',
  fc.Arbitrary<string>
> & {
  /** Whether a cause is written though the state is not down. */
  readonly causeAnyway: fc.Arbitrary<boolean>;
};

function lineArbitrary(clock: TextClock, oddPercent: number): fc.Arbitrary<Uint8Array> {
  return fc
    .tuple(entriesArbitrary(valuesArbitrary(clock, oddPercent)), spellingArbitrary())
    .map(([entries, spelling]) => encode(spelled(entries, spelling)));
}

const VALID = 0;
/** Of a hundred values, how many are odd: most lines of six fields have none or one. */
const ODD = 12;

const NO_OBJECTS = [
  '',
  ' ',
  '1',
  'null',
  'true',
  '"vm"',
  '[]',
  '[{}]',
  '{}',
  '{"vm":"a","ts":1}{"vm":"a","ts":1}',
  '\ufeff{}',
  '{,}',
  '{"vm"}',
];
const ODD_NUMBERS = [
  '-0',
  '-1',
  '1e3',
  '1E+2',
  '01',
  '1.0',
  '1.',
  '.5',
  '+1',
  '0x10',
  '1_0',
  '- 1',
  '1e',
  'NaN',
  'Infinity',
  '00',
  '0.0',
];
const EDGE_NUMBERS = [
  0n,
  1n,
  2n ** 32n - 1n,
  2n ** 32n,
  2n ** 53n,
  2n ** 53n + 1n,
  2n ** 63n,
  2n ** 64n - 1n,
  2n ** 64n,
  10n ** 19n,
  10n ** 40n,
];
const ODD_VALUES = [
  'null',
  'true',
  'false',
  '""',
  '[]',
  '{}',
  '"null"',
  '[1]',
  '{"vm":1}',
  '" 1"',
  '"1 "',
  '"-1"',
  '"01"',
  '"1.0"',
  'nul',
  '"\\x"',
  '"',
];
const NAME = Array.from('ABCXYZabcxyz0189._:-');

function valuesArbitrary(clock: TextClock, oddPercent: number): Values {
  const odd = fc.oneof(
    fc.constantFrom(...ODD_VALUES, ...ODD_NUMBERS),
    fc.constantFrom(...EDGE_NUMBERS).map(String),
    fc.constantFrom(...EDGE_NUMBERS).map((n) => `"${n}"`),
    fc.string({ unit: 'binary', maxLength: 5 }).map((text) => JSON.stringify(text)),
  );
  const or = (valid: fc.Arbitrary<string>, ...ownOdd: string[]): fc.Arbitrary<string> => {
    const wrong = ownOdd.length === 0 ? odd : fc.oneof(odd, fc.constantFrom(...ownOdd));
    return oddPercent === 0
      ? valid
      : fc.oneof({ weight: 100 - oddPercent, arbitrary: valid }, { weight: oddPercent, arbitrary: wrong });
  };
  const name = (min: number, max: number): fc.Arbitrary<string> =>
    fc
      .oneof(fc.string({ unit: fc.constantFrom(...NAME), minLength: min, maxLength: 8 }), fc.constantFrom('a'.repeat(max)))
      // no VM is called so, and an interface may be: among the wrong texts are both
      .filter((text) => text !== '.' && text !== '..')
      .map((text) => `"${text}"`);
  const counter = fc.oneof(fc.bigInt(0n, 10n ** 12n), fc.constantFrom(...EDGE_NUMBERS.filter((n) => n < 2n ** 64n)));
  const counterText = fc.tuple(counter, fc.boolean()).map(([n, quoted]) => (quoted ? `"${n}"` : String(n)));
  const ms = fc.oneof(
    fc.integer({ min: clock.nowMs - clock.retentionMs, max: clock.nowMs + FUTURE_MAX_MS }),
    fc.constantFrom(clock.nowMs, clock.nowMs + FUTURE_MAX_MS, clock.nowMs - clock.retentionMs),
  );
  const ts = fc.oneof(
    ms.map(String),
    fc.tuple(ms, rfcStyleArbitrary()).map(([at, style]) => rfcText(at, style, clock.nowMs)),
  );
  const outside = [clock.nowMs + FUTURE_MAX_MS + 1, clock.nowMs - clock.retentionMs - 1].map(String);
  return {
    vm: or(name(1, 64), `"${'a'.repeat(65)}"`, '"a b"', '"ä"', '"a/b"'),
    ts: or(ts, ...outside, ...ODD_INSTANTS.map((text) => `"${text}"`)),
    nic: or(fc.oneof(name(0, 32), fc.constant('null')), `"${'a'.repeat(33)}"`, '"a b"'),
    rx_bytes: or(counterText),
    tx_bytes: or(counterText),
    epoch: or(fc.constantFrom('0', '1', '7', '4294967295', 'null'), '"1"', '4294967296'),
    state: or(fc.constantFrom('"up"', '"down"', '"down"', 'null'), '"none"', '"non"', '"UP"', '"silent"', '"dow"', '"downn"'),
    cause: or(
      fc.constantFrom<string>(...CAUSES, 'provider').map((name) => `"${name}"`),
      '"silent"',
      '"up"',
      '"Provider"',
      '"providers"',
    ),
    started_at: or(
      fc.oneof(
        fc.integer({ min: 0, max: clock.nowMs - clock.retentionMs - 1 }).map(String),
        fc.constantFrom('0', '"1970-01-01T00:00:00Z"', '"2020-02-29T23:59:59.5+01:00"', 'null'),
      ),
      ...['"1969-12-31T23:59:59Z"', String(clock.nowMs + FUTURE_MAX_MS), '"yesterday"', '-1', '9223372036854775808'],
    ),
    link_mbps: or(fc.constantFrom('1', '1000', '1000000', 'null'), '0', '1000001', '"1000"', '1.5'),
    host: or(fc.oneof(name(0, 64), fc.constant('null')), `"${'a'.repeat(65)}"`, '"a b"'),
    hold_s: or(fc.constantFrom('1', '90', '3600', 'null'), '0', '3601', '"90"', '1e2'),
    sum: or(fc.constantFrom('true', 'false', 'null'), '"true"', '0', '1'),
    causeAnyway: oddPercent === 0 ? fc.constant(false) : fc.integer({ min: 0, max: 9 }).map((n) => n === 9),
  };
}

/** The entries of a sample in random order, some left out, some said twice, and fields nobody knows. */
function entriesArbitrary(values: Values): fc.Arbitrary<readonly Entry[]> {
  return fc
    .record({
      vm: values.vm,
      ts: values.ts,
      nic: fc.option(values.nic),
      counters: fc.option(fc.tuple(values.rx_bytes, values.tx_bytes)),
      epoch: fc.option(values.epoch),
      state: fc.option(values.state),
      cause: fc.option(values.cause),
      startedAt: fc.option(values.started_at, { freq: 1 }),
      link: fc.option(values.link_mbps, { freq: 1 }),
      sum: fc.option(values.sum, { freq: 1 }),
      hold: fc.option(values.hold_s, { freq: 1 }),
      host: fc.option(values.host, { freq: 1 }),
      half: fc.nat(5),
      causeAnyway: values.causeAnyway,
      unknown: fc.array(unknownArbitrary(), { maxLength: 2 }),
      repeated: fc.array(fc.tuple(fc.nat(20), fc.constantFrom('null', '1', '"x"', '"down"', '{"a":[1,2]}')), { maxLength: 2 }),
      shuffled: fc.boolean(),
      order: fc.array(fc.nat(100), { minLength: 15, maxLength: 15 }),
    })
    .map((parts) => {
      const entries: Entry[] = [
        ['vm', parts.vm],
        ['ts', parts.ts],
      ];
      if (parts.nic !== null) entries.push(['nic', parts.nic]);
      if (parts.counters !== null && parts.half !== 0) entries.push(['rx_bytes', parts.counters[0]]);
      if (parts.counters !== null && parts.half !== 1) entries.push(['tx_bytes', parts.counters[1]]);
      if (parts.epoch !== null) entries.push(['epoch', parts.epoch]);
      if (parts.state !== null) entries.push(['state', parts.state]);
      if (parts.cause !== null && (parts.state === '"down"' || parts.causeAnyway)) entries.push(['cause', parts.cause]);
      if (parts.startedAt !== null) entries.push(['started_at', parts.startedAt]);
      if (parts.link !== null) entries.push(['link_mbps', parts.link]);
      if (parts.sum !== null) entries.push(['sum', parts.sum]);
      if (parts.host !== null) entries.push(['host', parts.host]);
      if (parts.hold !== null) entries.push(['hold_s', parts.hold]);
      entries.push(...parts.unknown);
      const ranked = entries.map((entry, index) => ({ entry, rank: parts.shuffled ? (parts.order[index] ?? 0) : index }));
      const ordered = ranked.sort((a, b) => a.rank - b.rank).map(({ entry }) => entry);
      // What is said first does not count, so the line stays as valid as it was.
      const overruled = parts.repeated.flatMap(([index, literal]): Entry[] => {
        const entry = ordered[index];
        return entry === undefined ? [] : [[entry[0], literal]];
      });
      return [...overruled, ...ordered];
    });
}

function unknownArbitrary(): fc.Arbitrary<Entry> {
  const key = fc.oneof(
    fc.constantFrom(
      '__proto__',
      'constructor',
      'hosts',
      'VM',
      'vm ',
      'rx',
      'rx_bytes2',
      'started_by',
      'link_mbpx',
      'sums',
      'toString',
      '',
      '0',
    ),
    fc.string({ unit: 'binary', maxLength: 6 }).filter((text) => !KNOWN_KEYS.includes(text)),
  );
  const nested = fc.oneof(
    fc.json({ maxDepth: 3 }),
    fc.constantFrom(
      '{"vm":"inner","ts":"x"}',
      '"},{\\"vm\\":\\"b\\"}"',
      '[1e400,-0.5E-7,{"a":[[]]}]',
      '"\\ud800"',
      '"\\\\"',
      '-1.5e+10',
    ),
    fc.integer({ min: 1, max: 60 }).map((depth) => '['.repeat(depth) + ']'.repeat(depth)),
    fc.nat(40).map((depth) => '{"a":'.repeat(depth) + '0' + '}'.repeat(depth)),
  );
  return fc.tuple(key, nested);
}

const KNOWN_KEYS = [
  'vm',
  'ts',
  'nic',
  'rx_bytes',
  'tx_bytes',
  'epoch',
  'state',
  'cause',
  'started_at',
  'link_mbps',
  'sum',
  'hold_s',
  'host',
];

interface Spelling {
  /** The whitespace between tokens, in order; none after the last. */
  readonly gaps: readonly string[];
  /** A throw for each character of the strings: low ones are escapes. */
  readonly dice: readonly number[];
}

function spellingArbitrary(): fc.Arbitrary<Spelling> {
  const gap = fc.oneof(
    { weight: 5, arbitrary: fc.constant('') },
    { weight: 1, arbitrary: fc.constantFrom(' ', '\t', '\r', '  ') },
  );
  return fc.record({
    gaps: fc.oneof(fc.constant<string[]>([]), fc.array(gap, { maxLength: 50 })),
    dice: fc.oneof(fc.constant<number[]>([]), fc.array(fc.nat(9), { maxLength: 60 })),
  });
}

/** The text of an object: entries with whitespace between the tokens and escapes inside the strings. */
function spelled(entries: readonly Entry[], { gaps, dice }: Spelling): string {
  let gap = 0;
  let die = 0;
  const sp = (): string => gaps[gap++] ?? '';
  const spell = (char: string): string => {
    const roll = dice[die++] ?? 9;
    if (char.length === 1 && roll < 2) return '\\u' + hex4(char, roll === 1);
    return char === '/' && roll === 2 ? '\\/' : char;
  };
  const escaped = (literal: string): string =>
    /^"[^"\\]*"$/.test(literal) ? `"${Array.from(literal.slice(1, -1), spell).join('')}"` : literal;
  const members = entries.map(
    ([key, literal]) => `${sp()}${escaped(JSON.stringify(key))}${sp()}:${sp()}${escaped(literal)}${sp()}`,
  );
  return `${sp()}{${members.join(',')}}${sp()}`;
}

function hex4(char: string, upper: boolean): string {
  const hex = char.charCodeAt(0).toString(16).padStart(4, '0');
  return upper ? hex.toUpperCase() : hex;
}

function withoutNewlines(bytes: Uint8Array): Uint8Array {
  return bytes.map((byte) => (byte === 0x0a ? 0x20 : byte));
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
