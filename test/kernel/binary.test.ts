import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BatchWriter } from '../../src/samples/batch-writer.ts';
import { encodeBinary, isBinary, splitBinary } from '../../src/samples/binary-writer.ts';
import { sampleLine, type Observation } from '../../src/samples/reading.ts';
import { CAUSES } from '../../src/domain/condition.ts';
import { Decoder, SAMPLES_MAX } from '../../src/kernel/decoder.ts';
import { binaryVerdict, readBinary } from '../support/binary-samples.ts';
import { dice } from './lines.ts';
import { CLOCK, decodeContext, spoken } from './verdicts.ts';

const CONDITIONS = ['up', ...CAUSES];
const PATTERNS = ['vm-0*', '*a*'];

/** The body of the document's example. */
const EXAMPLE = hex(`
  55 50 53 01
  03  03 77 65 62  04 65 74 68 30  02 64 62
  08 00 02 80 a0 d5 ed ee 66 e8 07 ac 02
  18 00 02 a0 9c 01 80 80 80 80 80 80 80 80 80 01 00 07
  01 02 00 01`);

function hex(text: string): Buffer {
  return Buffer.from(text.replaceAll(/\s/g, ''), 'hex');
}

/** The kernel's word on a body, as text. */
function kernelSays(decoder: Decoder, body: Uint8Array, patterns: readonly string[] | null = null): string[] {
  const answer = decoder.decode([body], 'binary', decodeContext(patterns));
  return answer.outcome === 'decoded' ? spoken(answer) : [answer.outcome];
}

/** The document's word on the same. */
function documentSays(body: Uint8Array, patterned = false): string[] {
  const samples = readBinary(body);
  if (samples === null) return ['malformed_document'];
  const { nowMs, oldestMs } = decodeContext();
  const allowed = (vm: string): boolean => !patterned || vm.startsWith('vm-0') || vm.includes('a');
  const verdicts = samples.map((sample) => binaryVerdict(sample, { nowMs, oldestMs, allowed }));
  const errors = verdicts.flatMap((verdict, index) => (verdict === null ? [] : [`${index} ${verdict}`]));
  const taken = samples.filter((_, index) => verdicts[index] === null);
  return [
    ...errors.slice(0, 100),
    ...taken.map(({ vm, nic, tsMs, counters, epoch, condition, startedMs, linkMbps, isSum, saysNoState, holdS, host, part }) => {
      const said = counters === null ? '-' : `${counters.rx}/${counters.tx}`;
      const entries = Object.entries({
        startedAtMs: startedMs,
        linkMbps,
        isSum,
        saysNoState,
        holdMs: holdS && holdS * 1000n,
        host: host === '' ? undefined : host,
        part,
      }).filter(([, value]) => value !== undefined);
      const more = entries.map(([name, value]) => ` ${name}=${value}`).join('');
      return `${vm}|${nic} ${tsMs} ${said} ${epoch} ${CONDITIONS[condition]}${more}`;
    }),
  ];
}

/** What an observation may leave out is left out, not undefined. */
const said = <T extends object>(rest: T): { [K in keyof T]?: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
const NAME = /^[A-Za-z0-9._:-]{1,64}$/;
const BEGAN_MS = { min: 1, max: CLOCK.nowMs - 2e9 };
const observation = fc
  .record({
    vm: fc.stringMatching(/^[A-Za-z0-9._:-]{1,64}$/).filter((name) => name !== '.' && name !== '..'),
    nic: fc.stringMatching(/^[A-Za-z0-9._:-]{0,32}$/),
    counters: fc.option(
      fc.record({
        rxBytes: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
        txBytes: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
        epoch: fc.nat({ max: 2 ** 32 - 1 }),
        began: fc.option(fc.integer(BEGAN_MS), { nil: undefined }),
      }),
    ),
    downCause: fc.option(fc.constantFrom(...CAUSES)),
    host: fc.option(fc.stringMatching(NAME), { nil: undefined }),
    isSilent: fc.boolean(),
  })
  .map(({ counters: counted, downCause, host, isSilent, ...rest }): Observation => {
    const { began, ...bytes } = counted ?? { rxBytes: 0n, txBytes: 0n, epoch: 0 };
    const counters = counted === null ? null : { ...bytes, ...said({ startedAtMs: began }) };
    const some = { ...rest, ...said({ host }), counters, downCause };
    return isSilent && counters !== null ? { ...some, downCause: null, saysNoState: true } : some;
  });
const reading = fc.record({
  atMs: fc.integer({ min: CLOCK.nowMs - 1e9, max: CLOCK.nowMs }),
  observations: fc.array(observation, { maxLength: 30 }),
});

describe('a body in binary', () => {
  it("is read as the document's example says", () => {
    expect(readBinary(EXAMPLE)).toEqual([
      { vm: 'web', nic: 'eth0', tsMs: 1_767_225_600_000n, counters: { rx: 1000n, tx: 300n }, epoch: 0n, condition: 0 },
      { vm: 'web', nic: 'eth0', tsMs: 1_767_225_610_000n, counters: { rx: 2n ** 63n, tx: 0n }, epoch: 7n, condition: 0 },
      { vm: 'db', nic: '', tsMs: 1_767_225_609_999n, counters: null, epoch: 0n, condition: 1 },
    ]);
    expect(kernelSays(new Decoder(), EXAMPLE)).toEqual([
      'web|eth0 1767225600000 1000/300 0 up',
      'web|eth0 1767225610000 9223372036854775808/0 7 up',
      'db| 1767225609999 - 0 provider',
    ]);
  });

  it('says when its counters began, how fast its link is and that they are a sum', () => {
    const body = hex('55505301 01 0161  20 00 00 80a0d5edee66 07 d00f e807');
    expect(kernelSays(new Decoder(), body)).toEqual(documentSays(body));
    expect(kernelSays(new Decoder('debug'), body)).toEqual([
      'a| 1767225600000 - 0 up startedAtMs=1767225598000 linkMbps=1000 isSum=true',
    ]);
  });

  it('of a reading says what the reading says, to a reader made from the document', () => {
    fc.assert(
      fc.property(reading, (each) => {
        const body = encodeBinary(each);
        expect(isBinary(body)).toBe(true);
        expect(readBinary(body)).toEqual(
          each.observations.map(({ vm, nic, host, counters, downCause, saysNoState }: Observation) => ({
            vm,
            nic,
            tsMs: BigInt(each.atMs),
            counters: counters === null ? null : { rx: counters.rxBytes, tx: counters.txBytes },
            epoch: BigInt(counters?.epoch ?? 0),
            condition: CONDITIONS.indexOf(downCause ?? 'up'),
            ...said({
              host,
              saysNoState,
              startedMs: counters?.startedAtMs === undefined ? undefined : BigInt(counters.startedAtMs),
            }),
          })),
        );
      }),
    );
  });

  it.each(['release', 'debug'] as const)('comes to the very frames that the same samples come to as lines (%s)', (build) => {
    const [a, b] = [new Decoder(build), new Decoder(build)];
    fc.assert(
      fc.property(reading, (each) => {
        const lines = each.observations.map((one) => `${sampleLine(each.atMs, one)}\n`).join('');
        const asLines = a.decode([Buffer.from(lines)], 'ndjson', decodeContext());
        expect(b.decode([encodeBinary(each)], 'binary', decodeContext())).toEqual(asLines);
      }),
    );
  });

  it('of what another protocol says is read as it was written: halves, hosts, holds and all', () => {
    const bytes = fc.option(fc.oneof(fc.nat(), fc.maxSafeNat(), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })));
    const record = fc.record({
      ...{ vm: fc.stringMatching(/^[A-Za-z0-9_:-]{1,64}$/), nic: fc.stringMatching(/^[A-Za-z0-9._:-]{0,32}$/) },
      ...{
        host: fc.oneof(fc.constant(''), fc.stringMatching(NAME)),
        atMs: fc.integer({ min: CLOCK.nowMs - 1e9, max: CLOCK.nowMs }),
      },
      ...{ rx: bytes, tx: bytes, epoch: fc.nat({ max: 2 ** 32 - 1 }), startedAtMs: fc.option(fc.integer(BEGAN_MS)) },
      state: fc.constantFrom('up' as const, 'none' as const, ...CAUSES),
      ...{ holdS: fc.option(fc.integer({ min: 1, max: 3600 })), linkMbps: fc.option(fc.integer({ min: 1, max: 1e6 })) },
      sum: fc.boolean(),
    });
    const decoder = new Decoder();
    fc.assert(
      fc.property(fc.array(record, { minLength: 1, maxLength: 30 }), (records) => {
        const writer = new BatchWriter();
        for (const one of records) writer.add(one);
        const body = Buffer.concat(writer.body());
        expect(readBinary(body)).toEqual(
          records.map(({ vm, nic, host, atMs, rx, tx, epoch, startedAtMs, state, holdS, linkMbps, sum }) => ({
            ...{ vm, nic, tsMs: BigInt(atMs), epoch: BigInt(epoch) },
            counters: rx === null && tx === null ? null : { rx: BigInt(rx ?? 0), tx: BigInt(tx ?? 0) },
            condition: state === 'none' ? 0 : CONDITIONS.indexOf(state),
            ...said({
              startedMs: startedAtMs === null ? undefined : BigInt(startedAtMs),
              linkMbps: linkMbps === null ? undefined : BigInt(linkMbps),
              isSum: sum || undefined,
              saysNoState: state === 'none' || undefined,
              holdS: holdS === null ? undefined : BigInt(holdS),
              host: host === '' ? undefined : host,
              part: (rx === null) === (tx === null) ? undefined : rx === null ? 'tx' : 'rx',
            }),
          })),
        );
        expect(kernelSays(decoder, body)).toEqual(documentSays(body));
      }),
    );
  });

  it('takes less than 40 bytes a sample from a host of a hundred VMs', () => {
    const observations = Array.from({ length: 100 }, (_, i) => ({
      vm: `vm-${String(i).padStart(6, '0')}`,
      nic: 'eth0',
      counters: { rxBytes: 2_000_000_000_000_000n + BigInt(i), txBytes: 1_000_000_000_000_000n, epoch: 0 },
      downCause: null,
    }));
    expect(encodeBinary({ atMs: CLOCK.nowMs, observations }).length / 100).toBeLessThan(32);
  });
});

describe('the two halves of a body', () => {
  it('say together what the whole says', () => {
    fc.assert(
      fc.property(reading, (each) => {
        const halves = splitBinary(encodeBinary(each));
        if (halves === null) expect(each.observations.length).toBeLessThan(2);
        else expect(halves.flatMap(({ body }) => readBinary(body))).toEqual(readBinary(encodeBinary(each)));
      }),
    );
  });
});

/** Bodies with something odd in every part, most of them well built. */
function oddBody(roll: (sides: number) => number): Buffer {
  const pick = <T>(from: readonly T[]): T => from[roll(from.length)] as T;
  const names = [
    'a',
    'vm-000001',
    'eth0',
    '',
    'b b',
    '.',
    '..',
    '...',
    '.a',
    'x'.repeat(33),
    'y'.repeat(64),
    'z'.repeat(65),
    'q\xff',
    '0'.repeat(48),
  ];
  const parts: Buffer[] = [Buffer.from('UPS\x01', 'latin1'), varint(BigInt(names.length))];
  for (const name of names) parts.push(Buffer.of(name.length), Buffer.from(name, 'latin1'));
  let before = 0n;
  for (let n = roll(12); n > 0; n--) {
    const flags = roll(40) === 0 ? roll(256) : roll(4) === 0 ? 32 + roll(32) : roll(32);
    const at = BigInt(
      roll(6) === 0 ? pick([0, -5, CLOCK.nowMs + 300_000, CLOCK.nowMs + 300_001, 2 ** 60]) : CLOCK.nowMs - roll(1e9),
    );
    const step = at - before;
    before = at;
    parts.push(Buffer.of(flags), varint(BigInt(roll(roll(30) === 0 ? 16 : 14))), varint(BigInt(roll(15))));
    parts.push(varint(step >= 0n ? 2n * step : -2n * step - 1n));
    const number = (): Buffer =>
      roll(60) === 0
        ? Buffer.from(
            pick([
              'ffffffffffffffffff01',
              'ffffffffffffffffff02',
              'ffffffffffffffffff81',
              '8000',
              '80808080808080808000',
              'ffffffffffffffff7f',
            ]),
            'hex',
          )
        : varint(BigInt(roll(2 ** 31)) ** BigInt(roll(3)));
    if ((flags & 8) !== 0) parts.push(number(), number());
    if ((flags & 16) !== 0) parts.push(number());
    if ((flags & 32) === 0) continue;
    const says = roll(40) === 0 ? roll(256) : roll(8);
    parts.push(Buffer.of(says));
    if ((says & 1) !== 0) parts.push(roll(20) === 0 ? number() : varint(BigInt(pick([0, 1, 5000, CLOCK.nowMs - 2e9]))));
    if ((says & 2) !== 0) parts.push(roll(20) === 0 ? number() : varint(BigInt(pick([0, 1, 1000, 1_000_000, 1_000_001]))));
  }
  return Buffer.concat(parts);
}

function varint(value: bigint): Buffer {
  const bytes: number[] = [];
  for (; value >= 128n; value >>= 7n) bytes.push(Number(value % 128n) + 128);
  return Buffer.of(...bytes, Number(value));
}

describe('of odd and damaged bodies the kernel thinks as the document does', () => {
  it.each([
    ['release', 20_000],
    ['debug', 1500],
  ] as const)('whole, cut short, and with a byte changed (%s)', (build, bodies) => {
    const decoder = new Decoder(build);
    const roll = dice(7);
    let [taken, malformed] = [0, 0];
    for (let i = 0; i < bodies; i++) {
      const body = oddBody(roll);
      const damaged = Buffer.from(body);
      damaged[roll(body.length)] = roll(256);
      for (const each of [body, body.subarray(0, roll(body.length + 1)), damaged]) {
        const expected = documentSays(each, true);
        expect(kernelSays(decoder, each, PATTERNS)).toEqual(expected);
        if (expected[0] === 'malformed_document') malformed++;
        else taken += expected.length;
      }
    }
    expect(taken).toBeGreaterThan(bodies);
    expect(malformed).toBeGreaterThan(bodies / 10);
  });

  it('noise is refused without harm', () => {
    const decoder = new Decoder('debug');
    const roll = dice(11);
    for (let i = 0; i < 2000; i++) {
      const noise = Buffer.concat([
        Buffer.from('UPS\x01', 'latin1'),
        Buffer.from(Array.from({ length: roll(80) }, () => roll(256))),
      ]);
      expect(kernelSays(decoder, noise)).toEqual(documentSays(noise));
    }
  });
});

describe('the limits of a body in binary', () => {
  const record = Buffer.concat([Buffer.from('0000', 'hex'), Buffer.from('00', 'hex'), varint(0n)]);
  const bodyOf = (samples: number, names = 1): Buffer =>
    Buffer.concat([
      Buffer.from('UPS\x01', 'latin1'),
      varint(BigInt(names)),
      ...Array.from({ length: names }, () => Buffer.from('\x01a', 'latin1')),
      Buffer.from('000000', 'hex'),
      varint(2n * BigInt(CLOCK.nowMs)),
      ...Array.from({ length: samples - 1 }, () => record),
    ]);

  it('50,000 samples are taken and one more is not', () => {
    const decoder = new Decoder();
    const answer = decoder.decode([bodyOf(SAMPLES_MAX)], 'binary', decodeContext());
    expect(answer).toMatchObject({ outcome: 'decoded', accepted: SAMPLES_MAX, rejected: 0 });
    expect(kernelSays(decoder, bodyOf(SAMPLES_MAX + 1))).toEqual(['too_many_samples']);
  });

  it('150,000 names are taken and one more is not', () => {
    const decoder = new Decoder();
    expect(kernelSays(decoder, bodyOf(1, 150_000))).toHaveLength(1);
    expect(kernelSays(decoder, bodyOf(1, 150_001))).toEqual(['malformed_document']);
  });
});
