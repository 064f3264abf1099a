/**
 * Very many lines, quickly: the generators of the model are rich and slow, so each of their lines is used several times, damaged or crossed
 * with another. Two thirds of the stock are in the spellings that the kernel's two fast paths read, so that damage falls on those too.
 */
import fc from 'fast-check';
import { textArbitrary } from '../model/generatetext.ts';
import { CLOCK } from './verdicts.ts';

type Roll = (sides: number) => number;

/** A generator of 32-bit numbers (xorshift): the same seed, the same lines. */
export function dice(seed: number): Roll {
  let x = (seed * 2_654_435_761) >>> 0 || 1;
  return (sides) => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    x >>>= 0;
    return x % sides;
  };
}

const NAMES = [
  'a',
  'vm-000123',
  'Z',
  'host_1.example:8',
  'x'.repeat(64),
  'abcdefgh',
  'abcdefghi',
  'x'.repeat(65),
  '',
  '.',
  '..',
  '...',
  '.a',
  'a.',
];
const NICS = ['eth0', '', '.', '..', 'n'.repeat(32), 'n'.repeat(33), 'wan', 'eth0.100'];
const NUMBERS = [
  ...['0', '1', '9', '10', '12345678', '123456789', '9007199254740993', '1234567890123456', '999999999999999999'],
  ...['9999999999999999999', '10000000000000000000', '18446744073709551615', '18446744073709551616', '99999999999999999999'],
  ...[
    '100000000000000000000000',
    '00',
    '01',
    '-1',
    '1.5',
    '1e5',
    '"7"',
    '"18446744073709551615"',
    'null',
    '4294967295',
    '4294967296',
  ],
];
const CAUSES = [
  'provider',
  'third_party',
  'maintenance',
  'force_majeure',
  'attack',
  'customer',
  'arrears',
  'silent',
  'providers',
];
const TIMES = [CLOCK.nowMs, CLOCK.nowMs + 300_000, CLOCK.nowMs + 300_001, CLOCK.nowMs - CLOCK.retentionMs, 0];

/** Members without white space or escapes, in any order; nearly always those of a valid sample. */
function plainMembers(roll: Roll): string[] {
  const pick = <T>(from: readonly T[]): T => from[roll(from.length)] as T;
  const number = (): string => (roll(20) === 0 ? pick(NUMBERS) : String(roll(2 ** 31) * (1 + roll(2 ** 20))));
  const name = (odd: readonly string[], usual: string): string => (roll(20) === 0 ? pick(odd) : usual);
  const members = [
    `"vm":"${name(NAMES, `vm-${String(roll(100_000)).padStart(6, '0')}`)}"`,
    `"ts":${roll(16) === 0 ? pick([...TIMES.flatMap((t) => [t, t - 1]).map(String), ...NUMBERS]) : CLOCK.nowMs - roll(10 ** 9)}`,
  ];
  if (roll(4) !== 0) members.push(`"nic":"${name(NICS, 'eth0')}"`);
  const halves = [`"rx_bytes":${number()}`, `"tx_bytes":${number()}`];
  if (roll(5) !== 0) members.push(...(roll(20) === 0 ? [pick(halves)] : halves));
  if (roll(3) === 0) members.push(`"epoch":${number()}`);
  if (roll(3) === 0)
    members.push(`"state":"${roll(8) === 0 ? pick(['dow', 'upp', 'UP']) : pick(['up', 'down', 'up', 'down', 'none'])}"`);
  if (members.some((member) => member.includes('"down"')) ? roll(2) === 0 : roll(30) === 0)
    members.push(`"cause":"${pick(CAUSES)}"`);
  if (roll(20) === 0) members.push(pick(members));
  if (roll(20) === 0) members.push(`"host":${roll(4) === 0 ? number() : `"${pick([...NICS, ...NAMES])}"`}`);
  if (roll(30) === 0) members.push(`"started_at":${roll(4) === 0 ? pick([...TIMES.map(String), ...NUMBERS]) : roll(2 ** 31)}`);
  if (roll(30) === 0) members.push(`"link_mbps":${roll(4) === 0 ? number() : 1 + roll(1_000_000)}`);
  if (roll(30) === 0) members.push(`"hold_s":${roll(4) === 0 ? pick([...NUMBERS, '3600', '3601']) : 1 + roll(3600)}`);
  if (roll(30) === 0) members.push(`"sum":${pick(['true', 'false', 'null', '1', '"true"'])}`);
  if (roll(3) === 0) for (let i = members.length - 1; i > 0; i--) swap(members, i, roll(i + 1));
  return members;
}

/** A line as our own agents write it. */
export function plainLine(roll: Roll): string {
  return `{${plainMembers(roll).join(',')}}`;
}

const SPACES = ['', '', '', '', ' ', ' ', ' ', '  ', '\t', ' \r'];
const STRANGERS = [
  '"host":"hv-17"',
  '"a":{"b":[1,"}"]}',
  '"vmx":"no"',
  '"rx_bytesx":1',
  '"t":null',
  '"":[]',
  '"tags":["\\"",2e5]',
];

/** A line as other programs write it: white space, numbers in quotes, RFC 3339, null, members that nobody asked for. */
export function looseLine(roll: Roll): string {
  const space = (): string => SPACES[roll(SPACES.length)] as string;
  const members = plainMembers(roll).map((member) => {
    const [, name, value] = /^("[a-z_]*"):(.*)$/.exec(member) as unknown as [string, string, string];
    let written = value;
    if (roll(12) === 0) written = 'null';
    else if (name === '"ts"' && roll(2) === 0 && Number(value) < 8e15) written = instantText(Number(value), roll);
    else if (name.endsWith('_bytes"') && roll(2) === 0) written = `"${value}"`;
    return `${space()}${name}${space()}:${space()}${written}${space()}`;
  });
  // null takes back what was said before it
  if (roll(8) === 0) members.push((members[roll(members.length)] as string).replace(/:.*$/, ':null'));
  if (roll(4) === 0) members.splice(roll(members.length + 1), 0, STRANGERS[roll(STRANGERS.length)] as string);
  return `${space()}{${members.join(',')}}${space()}`;
}

function instantText(ms: number, roll: Roll): string {
  const offset = roll(3) === 0 ? 330 : 0;
  const text = new Date(ms + offset * 60_000).toISOString().slice(0, -1);
  const spelt = roll(2) === 0 ? text : text.slice(0, -4 + roll(4)).replace(/\.$/, '');
  return `"${spelt}${offset === 0 ? (roll(4) === 0 ? 'z' : 'Z') : '+05:30'}"`;
}

function swap(list: string[], i: number, j: number): void {
  const kept = list[i] as string;
  list[i] = list[j] as string;
  list[j] = kept;
}

const TELLING = Buffer.from('"\\{}[]:;,-0123456789eE.+ntfu \t\r/\0\x1f\x7f\x80\xbf\xc3\xe2\xed\xf4\xff', 'latin1');

function damaged(line: Uint8Array, roll: (sides: number) => number): Uint8Array {
  const copy = Buffer.from(line);
  const at = roll(copy.length + 1);
  const byte = TELLING.subarray(roll(TELLING.length)).subarray(0, 1);
  switch (roll(5)) {
    case 0:
      if (at < copy.length) copy[at] = (copy[at] ?? 0) ^ (1 << roll(8));
      return copy;
    case 1:
      return Buffer.concat([copy.subarray(0, at), byte, copy.subarray(at)]);
    case 2:
      return Buffer.concat([copy.subarray(0, at), byte, copy.subarray(at + 1)]);
    case 3:
      return Buffer.concat([copy.subarray(0, at), copy.subarray(at + 1 + roll(3))]);
    default:
      return copy.subarray(0, at);
  }
}

/** The head of one line and the tail of another, cut at commas: members change places, are repeated or are lost. */
function crossed(a: Uint8Array, b: Uint8Array, roll: (sides: number) => number): Uint8Array {
  const cut = (line: Uint8Array): number => line.indexOf(0x2c, roll(line.length + 1));
  const [i, j] = [cut(a), cut(b)];
  return i < 0 || j < 0 ? a : Buffer.concat([a.subarray(0, i), b.subarray(j)]);
}

/** `count` lines without line feeds, neither empty nor white space only, so that line i of a body has index i. */
export function manyLines(count: number, seed: number): Uint8Array[] {
  const roll = dice(seed);
  const rich = fc.sample(textArbitrary(CLOCK), { seed, numRuns: Math.ceil(count / 16) });
  const spelt = [plainLine, looseLine].flatMap((line) => rich.map(() => Buffer.from(line(roll))));
  const stock: Uint8Array[] = [...rich, ...spelt];
  const lines: Uint8Array[] = stock.filter(isSample);
  while (lines.length < count) {
    const kind = roll(4);
    let line: Uint8Array =
      kind === 0
        ? Buffer.from(plainLine(roll))
        : kind === 1
          ? Buffer.from(looseLine(roll))
          : (stock[roll(stock.length)] as Uint8Array);
    if (roll(3) === 0) line = crossed(line, stock[roll(stock.length)] as Uint8Array, roll);
    for (let n = roll(5) >> 1; n > 0; n--) line = damaged(line, roll);
    const kept = line.map((byte) => (byte === 0x0a ? 0x20 : byte));
    if (isSample(kept)) lines.push(kept);
  }
  return lines.slice(0, count);
}

function isSample(line: Uint8Array): boolean {
  return line.some((byte) => byte !== 0x20 && byte !== 0x09 && byte !== 0x0d && byte !== 0x0a);
}
