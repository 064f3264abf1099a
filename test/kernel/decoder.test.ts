import { describe, expect, it } from 'vitest';
import { REJECTION_CODES, type RejectionCode } from '../../src/samples/rejection.ts';
import { BODY_BYTES_MAX, Decoder, SAMPLES_MAX } from '../../src/kernel/decoder.ts';
import { readFrames, readHashes } from '../support/frames.ts';
import { CLOCK, decodeContext, decoded, spoken } from './verdicts.ts';

const BUILDS = ['release', 'debug'] as const;
const NOW = CLOCK.nowMs;
const PLAIN = { vm: 'v', nic: '', tsMs: NOW, counters: null, epoch: 0, condition: 'up' };
const withMembers = (members: string): string => `{"vm":"v","ts":${NOW},${members}}`;
const withTs = (literal: string): string => `{"vm":"v","ts":${literal}}`;
const LONG_VM = 'v'.repeat(64);
const LONG_NIC = 'n'.repeat(32);

describe.each(BUILDS)('the %s decoder accepts', (build) => {
  const decoder = new Decoder(build);

  it.each<[claim: string, text: string, expected: object]>([
    ['a sample of vm and ts alone', withTs(String(NOW)), {}],
    [
      'the usual line',
      `{"vm":"v","ts":${NOW},"nic":"eth0","rx_bytes":1,"tx_bytes":22}`,
      { nic: 'eth0', counters: { rx: 1n, tx: 22n } },
    ],
    [
      'the keys in any order',
      `{"tx_bytes":2,"nic":"e","rx_bytes":1,"ts":${NOW},"vm":"v"}`,
      { nic: 'e', counters: { rx: 1n, tx: 2n } },
    ],
    ['null as absent', withMembers('"nic":null,"rx_bytes":null,"tx_bytes":null,"epoch":null,"state":null,"cause":null'), {}],
    ['white space and escapes', `\t{ "\\u0076m" : "\\u0076" ,\r"t\\u0073":${NOW} } `, {}],
    ['unknown fields, nested', withMembers('"x":{"vm":1,"ts":[]},"y":"\\"}","__proto__":{"nic":"e"}'), {}],
    ['the last of a repeated key', `{"vm":7,"ts":"x","ts":${NOW},"vm":"v"}`, {}],
    ['the last of a repeated key, plainly spelled', `{"vm":"w","ts":${NOW - 1},"ts":${NOW},"vm":"v"}`, {}],
    ['a repeated key taken back by null', withMembers('"epoch":"x","epoch":null'), {}],
    ['zero', withMembers('"rx_bytes":0,"tx_bytes":0'), { counters: { rx: 0n, tx: 0n } }],
    [
      '2^53 + 1',
      withMembers('"rx_bytes":9007199254740993,"tx_bytes":"9007199254740993"'),
      { counters: { rx: 2n ** 53n + 1n, tx: 2n ** 53n + 1n } },
    ],
    ['nineteen nines', withMembers('"rx_bytes":9999999999999999999,"tx_bytes":0'), { counters: { rx: 10n ** 19n - 1n, tx: 0n } }],
    [
      '2^64 - 1',
      withMembers('"rx_bytes":18446744073709551615,"tx_bytes":"18446744073709551615"'),
      { counters: { rx: 2n ** 64n - 1n, tx: 2n ** 64n - 1n } },
    ],
    ['the largest epoch', withMembers('"epoch":4294967295'), { epoch: 4294967295 }],
    ['down without a cause', withMembers('"state":"down"'), { condition: 'provider' }],
    ['a cause before its state', withMembers('"cause":"arrears","state":"down"'), { condition: 'arrears' }],
    ['third_party', withMembers('"state":"down","cause":"third_party"'), { condition: 'third_party' }],
    ['maintenance', withMembers('"state":"down","cause":"maintenance"'), { condition: 'maintenance' }],
    ['force_majeure', withMembers('"state":"down","cause":"force_majeure"'), { condition: 'force_majeure' }],
    ['attack', withMembers('"state":"down","cause":"attack"'), { condition: 'attack' }],
    ['customer', withMembers('"state":"down","cause":"customer"'), { condition: 'customer' }],
    ['a cause spelled with escapes', withMembers('"state":"d\\u006fwn","cause":"att\\u0061ck"'), { condition: 'attack' }],
    ['the longest names', `{"vm":"${LONG_VM}","ts":${NOW},"nic":"${LONG_NIC}"}`, { vm: LONG_VM, nic: LONG_NIC }],
    ['a name of dots and more', `{"vm":"...","ts":${NOW},"nic":".."}`, { vm: '...', nic: '..' }],
    ['a name that ends in dots', `{"vm":"a..","ts":${NOW},"nic":"."}`, { vm: 'a..', nic: '.' }],
    ['every character of a name', `{"vm":"AZaz09._:-","ts":${NOW}}`, { vm: 'AZaz09._:-' }],
    ['an instant with a zone', withTs('"2026-03-01T20:34:56.789+08:00"'), {}],
    ['an instant in small letters', withTs('"2026-03-01t12:34:56.789z"'), {}],
    ['an instant whose fraction is cut', withTs('"2026-03-01T12:34:56.78999999999999999Z"'), {}],
    ['an instant with 300 digits of fraction', withTs(`"2026-03-01T12:34:56.789${'0'.repeat(300)}Z"`), {}],
    ['an instant with 300 digits of fraction and an escape', withTs(`"2026-03-01T12:34:56.789${'0'.repeat(300)}\\u005A"`), {}],
    ['an instant spelled with escapes throughout', withTs(`"${Array.from('2026-03-01T12:34:56.789Z', escaped).join('')}"`), {}],
    ['five minutes ahead', withTs(String(NOW + 300_000)), { tsMs: NOW + 300_000 }],
    ['as old as the retention', withTs(String(NOW - CLOCK.retentionMs)), { tsMs: NOW - CLOCK.retentionMs }],
  ])('%s', (_claim, text, expected) => {
    const alone = decoded(decoder, text);
    expect([alone.accepted, alone.rejected, alone.errors]).toEqual([1, 0, []]);
    expect(readFrames(alone.frames)).toEqual([{ ...PLAIN, ...expected }]);
    expect(readFrames(decoded(decoder, text, 'json').frames)).toEqual([{ ...PLAIN, ...expected }]);
    expect(readFrames(decoded(decoder, `[${text},${text}]`, 'json').frames)).toHaveLength(2);
  });
});

function escaped(char: string): string {
  return `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** The text of a rejected sample, and whether it is JSON at all (what is not makes a whole document malformed). */
const REJECTED: [text: string | Uint8Array, code: RejectionCode, field: string][] = [
  ['null', 'malformed_json', ''],
  ['"vm"', 'malformed_json', ''],
  ['[]', 'malformed_json', ''],
  ['{}', 'missing_field', 'vm'],
  [`{"ts":${NOW}}`, 'missing_field', 'vm'],
  [`{"vm":null,"ts":${NOW}}`, 'missing_field', 'vm'],
  ['{"vm":"v"}', 'missing_field', 'ts'],
  [withMembers('"state":"none"'), 'missing_field', 'rx_bytes'],
  [withMembers('"state":"none","rx_bytes":1,"rx_bytes":null'), 'missing_field', 'rx_bytes'],
  [`{"vm":"","ts":${NOW}}`, 'bad_vm', 'vm'],
  [`{"vm":"${LONG_VM}v","ts":${NOW}}`, 'bad_vm', 'vm'],
  [`{"vm":"a b","ts":${NOW}}`, 'bad_vm', 'vm'],
  // steps in a path, however they are spelled and on whichever of the decoder's ways
  ...['{"vm":".","ts":T}', '{"vm":"..","ts":T}', '{"ts":T,"vm":".."}', '{ "vm": ".", "ts": T }', '{"vm":"..","ts":"x"}'].map(
    (text): [string, RejectionCode, string] => [text.replace('T', String(NOW)), 'bad_vm', 'vm'],
  ),
  [`{"vm":"\\u002e","ts":${NOW}}`, 'bad_vm', 'vm'],
  [`{"vm":".\\u002E","ts":${NOW},"rx_bytes":1,"tx_bytes":1}`, 'bad_vm', 'vm'],
  [`{"vm":"ä","ts":${NOW}}`, 'bad_vm', 'vm'],
  [`{"vm":"\\u0000","ts":${NOW}}`, 'bad_vm', 'vm'],
  [`{"vm":"\\ud800","ts":${NOW}}`, 'bad_vm', 'vm'],
  [`{"vm":7,"ts":${NOW}}`, 'bad_vm', 'vm'],
  [`{"vm":["v"],"ts":${NOW}}`, 'bad_vm', 'vm'],
  [withMembers(`"nic":"${LONG_NIC}n"`), 'bad_nic', 'nic'],
  [withMembers('"nic":"a/b"'), 'bad_nic', 'nic'],
  [withMembers('"nic":0'), 'bad_nic', 'nic'],
  [withTs('"1772368496789"'), 'bad_ts', 'ts'],
  [withTs('1772368496789.0'), 'bad_ts', 'ts'],
  [withTs('1.772368496789e12'), 'bad_ts', 'ts'],
  [withTs('-1'), 'bad_ts', 'ts'],
  [withTs('true'), 'bad_ts', 'ts'],
  [withTs('""'), 'bad_ts', 'ts'],
  [withTs('"2026-03-01"'), 'bad_ts', 'ts'],
  [withTs('"2026-03-01T12:34:56"'), 'bad_ts', 'ts'],
  [withTs('"2026-02-29T00:00:00Z"'), 'bad_ts', 'ts'],
  [withTs('"2026-02-28T23:59:60Z"'), 'bad_ts', 'ts'],
  [withTs('"2026-03-01T24:00:00Z"'), 'bad_ts', 'ts'],
  [withTs('"2026-03-01T00:00:00+24:00"'), 'bad_ts', 'ts'],
  [withTs(`"2026-03-01T12:34:56.${'0'.repeat(300)}"`), 'bad_ts', 'ts'],
  [withTs(String(NOW + 300_001)), 'ts_in_future', 'ts'],
  [withTs('9223372036854775807'), 'ts_in_future', 'ts'],
  [withTs('9223372036854775808'), 'ts_in_future', 'ts'],
  [withTs('18446744073709551616'), 'ts_in_future', 'ts'],
  [withTs('1'.repeat(400)), 'ts_in_future', 'ts'],
  [withTs('"9999-12-31T23:59:59Z"'), 'ts_in_future', 'ts'],
  [withTs(String(NOW - CLOCK.retentionMs - 1)), 'ts_too_old', 'ts'],
  [withTs('0'), 'ts_too_old', 'ts'],
  [withTs('"0000-01-01T00:00:00Z"'), 'ts_too_old', 'ts'],
  [withMembers('"rx_bytes":-1,"tx_bytes":1'), 'bad_counter', 'rx_bytes'],
  [withMembers('"rx_bytes":1.0,"tx_bytes":1'), 'bad_counter', 'rx_bytes'],
  [withMembers('"rx_bytes":1e3,"tx_bytes":1'), 'bad_counter', 'rx_bytes'],
  [withMembers('"rx_bytes":1,"tx_bytes":18446744073709551616'), 'bad_counter', 'tx_bytes'],
  [withMembers('"rx_bytes":1,"tx_bytes":"99999999999999999999"'), 'bad_counter', 'tx_bytes'],
  [withMembers('"rx_bytes":1,"tx_bytes":"007"'), 'bad_counter', 'tx_bytes'],
  [withMembers('"rx_bytes":1,"tx_bytes":""'), 'bad_counter', 'tx_bytes'],
  [withMembers('"rx_bytes":1,"tx_bytes":" 1"'), 'bad_counter', 'tx_bytes'],
  [withMembers('"tx_bytes":false'), 'bad_counter', 'tx_bytes'],
  [withMembers('"epoch":4294967296'), 'bad_epoch', 'epoch'],
  [withMembers('"epoch":"1"'), 'bad_epoch', 'epoch'],
  [withMembers('"epoch":-0'), 'bad_epoch', 'epoch'],
  [withMembers('"state":"UP"'), 'bad_state', 'state'],
  [withMembers('"state":"silent"'), 'bad_state', 'state'],
  [withMembers('"state":1'), 'bad_state', 'state'],
  [withMembers('"cause":"provider"'), 'bad_cause', 'cause'],
  [withMembers('"state":"up","cause":"provider"'), 'bad_cause', 'cause'],
  [withMembers('"state":"down","state":"up","cause":"provider"'), 'bad_cause', 'cause'],
  [withMembers('"state":"down","cause":"silent"'), 'bad_cause', 'cause'],
  [withMembers('"state":"down","cause":"up"'), 'bad_cause', 'cause'],
  [withMembers('"state":"down","cause":"force_majeures"'), 'bad_cause', 'cause'],
  [withMembers('"state":"down","cause":1'), 'bad_cause', 'cause'],
];

const NO_JSON: (string | Uint8Array)[] = [
  ...[
    '{',
    '}',
    '{"vm"}',
    'nul',
    '+1',
    ' \ufeff{}',
    '\ufeff\ufeff{}',
    '{\ufeff}',
    '{,}',
    '\u00a0',
    "{'vm':1}",
    '{"vm":"v","ts":1,}',
    '[1,]',
    '{"a":1}{"a":1}',
  ],
  ...[withTs('01'), withTs('1.'), withTs('.5'), withTs('0x1'), withTs('NaN'), withMembers('"x":"\t"'), withMembers('"x":"\\x"')],
  ...[
    withMembers('"x":"\\u12g4"'),
    withMembers('"x":[1 2]'),
    withMembers('"x":{"a":}'),
    withMembers('"x":"'),
    withMembers('"x":1]'),
  ],
  // invalid UTF-8: a lone continuation, overlong forms, a surrogate, beyond U+10FFFF, a sequence cut short
  ...['80', 'c0af', 'e08080', 'f0808080', 'eda080', 'f4908080', 'f5808080', 'ff', 'e282', 'c3'].map((hex) =>
    Buffer.concat([Buffer.from(`{"vm":"v","ts":${NOW},"x":"`), Buffer.from(hex, 'hex'), Buffer.from('"}')]),
  ),
];

describe.each(BUILDS)('the %s decoder rejects', (build) => {
  const decoder = new Decoder(build);

  it.each(REJECTED)('%s as %s of %s', (text, code, field) => {
    for (const body of [decoded(decoder, text), decoded(decoder, `[${String(text)}]`, 'json')]) {
      expect([body.accepted, body.rejected, body.errors]).toEqual([0, 1, [{ index: 0, code, field }]]);
      expect(body.frames).toHaveLength(0);
    }
  });

  it.each(NO_JSON)('%s as no JSON', (text) => {
    const body = Buffer.from(text);
    expect(decoded(decoder, body).errors).toEqual([{ index: 0, code: 'malformed_json', field: '' }]);
    expect(decoder.decode([Buffer.from('['), body, Buffer.from(']')], 'json', decodeContext()).outcome).toBe(
      'malformed_document',
    );
    expect(decoder.decode([body], 'json', decodeContext()).outcome).toBe('malformed_document');
  });

  it('a VM that the key may not post for, unless a pattern says so', () => {
    const verdict = (patterns: readonly string[] | null, vm: string): string => {
      const { accepted, errors } = decoded(decoder, `{"vm":"${vm}","ts":${NOW}}`, 'ndjson', decodeContext(patterns));
      return accepted === 1 ? 'accepted' : (errors[0]?.code ?? '');
    };
    const rows: [patterns: string[] | null, vm: string, allowed: boolean][] = [
      [null, 'a', true],
      [[], 'a', false],
      [[''], 'a', false],
      [['a'], 'a', true],
      [['a'], 'ab', false],
      [['b', 'a'], 'a', true],
      [['*'], LONG_VM, true],
      [['a*'], 'a', true],
      [['a*'], 'ba', false],
      [['*a'], 'ba', true],
      [['*a*'], 'bab', true],
      [['a*b*c'], 'a--b-bc', true],
      [['a*b*c'], 'a--b-bcd', false],
      [['a*b*c'], 'acb', false],
      [['**a**'], 'a', true],
      [['*a*a*a*'], 'aa', false],
      [['*ab*ab'], 'ababab', true],
      [[`${'*v'.repeat(31)}*w`], LONG_VM, false],
      [['A*'], 'a', false],
      [['.'], 'a', false],
    ];
    expect(rows.map(([patterns, vm]) => [patterns, vm, verdict(patterns, vm) === 'accepted'])).toEqual(rows);
    expect(verdict(['b'], 'a')).toBe('vm_not_allowed');
  });

  it('only the bad ones of a body, and tells the first hundred', () => {
    const lines = Array.from({ length: 500 }, (_, i) => (i % 2 === 0 ? withTs(String(NOW)) : i % 3 === 0 ? withTs('1') : '{'));
    const answer = decoded(decoder, lines.join('\n'));
    expect([answer.accepted, answer.rejected, answer.errors.length]).toEqual([250, 250, 100]);
    expect(answer.errors.map(({ index }) => index)).toEqual(Array.from({ length: 100 }, (_, i) => 2 * i + 1));
    expect(answer.rejectedByCode).toEqual([167, 0, 0, 0, 0, 0, 83, ...REJECTION_CODES.slice(7).map(() => 0)]);
    expect(readFrames(answer.frames)).toHaveLength(250);
  });
});

describe.each(BUILDS)('the %s decoder takes a body', (build) => {
  const decoder = new Decoder(build);
  const a = `{"vm":"a","ts":${NOW}}`;
  const b = `{"vm":"b","ts":${NOW},"x":[ ]}`;

  it.each([
    ['nothing', '', 0],
    ['white space', ' \r\n\t\n\n', 0],
    ['a last line without a line feed', `${a}\n${b}`, 2],
    ['lines that end in CR LF', `${a}\r\n${b}\r\n`, 2],
    ['a CR and no LF at the end', `${a}\n${b}\r`, 2],
    ['blank lines', `\n\n${a}\n \t\r\n${b}\n\n`, 2],
    ['a byte order mark', `\ufeff${a}\n${b}`, 2],
    ['a byte order mark and nothing', '\ufeff', 0],
    ['a byte order mark and white space', `\ufeff\r\n ${a}\n${b}\n`, 2],
    ['white space around samples', ` ${a} \n\t${b}\t\n`, 2],
  ])('of lines: %s', (_claim, text, count) => {
    const answer = decoded(decoder, text);
    expect([answer.accepted, answer.rejected]).toEqual([count, 0]);
    expect(readFrames(answer.frames).map(({ vm }) => vm)).toEqual(['a', 'b'].slice(0, count));
  });

  it.each([
    ['[]', []],
    [' [ ] ', []],
    [a, ['a']],
    [`\n${b}\r\n`, ['b']],
    [`[${a},${b}]`, ['a', 'b']],
    [`[\n${a} ,\t${b}\r\n]\n`, ['a', 'b']],
    [`[${a},1,${b}]`, ['a', 'b']],
    [`\ufeff${a}`, ['a']],
    [`\ufeff [${a},${b}]`, ['a', 'b']],
  ])('of JSON: %s', (text, vms) => {
    expect(readFrames(decoded(decoder, text, 'json').frames).map(({ vm }) => vm)).toEqual(vms);
  });

  it.each([
    '',
    ' ',
    '[',
    ']',
    '[,]',
    `[${a},]`,
    `[${a} ${b}]`,
    `[${a}`,
    `${a},${b}`,
    `${a}${b}`,
    `[${a}]]`,
    '1',
    '"a"',
    'null',
    '\ufeff',
    ` \ufeff${a}`,
    `\ufeff\ufeff${a}`,
    `[\ufeff${a}]`,
  ])('and finds no document in %s', (text) => {
    expect(decoder.decode([Buffer.from(text)], 'json', decodeContext()).outcome).toBe('malformed_document');
  });

  it('a byte order mark is one before the body only: within it, it is no JSON', () => {
    expect(spoken(decoded(decoder, `\ufeff${a}\n\ufeff${b}\n${a}`))).toEqual([
      '1 malformed_json ',
      `a| ${NOW} - 0 up`,
      `a| ${NOW} - 0 up`,
    ]);
    expect(spoken(decoded(decoder, Buffer.concat([Buffer.from('efbb', 'hex'), Buffer.from(`${a}\n${b}`)])))).toEqual([
      '0 malformed_json ',
      `b| ${NOW} - 0 up`,
    ]);
  });

  it('a sample on several lines is two bad lines, not a sample', () => {
    const answer = decoded(decoder, `{"vm":"a",\n"ts":${NOW}}\n${b}`);
    expect(spoken(answer)).toEqual(['0 malformed_json ', '1 malformed_json ', `b| ${NOW} - 0 up`]);
  });

  it('in chunks cut anywhere, to the same answer', () => {
    const text = [a, `{"vm":"v","ts":${NOW},"nic":"eth0","rx_bytes":12345678901,"tx_bytes":2}`, '{"vm":1', '', b].join('\r\n');
    for (const [format, body] of [
      ['ndjson', Buffer.from(text)],
      ['json', Buffer.from(`[${a}, ${b},null]`)],
    ] as const) {
      const whole = spoken(decoded(decoder, body, format));
      const bytes = Array.from(body, (byte) => Uint8Array.of(byte));
      for (let cut = 0; cut <= body.length; cut++) {
        const answer = decoder.decode([body.subarray(0, cut), body.subarray(cut)], format, decodeContext());
        expect(answer.outcome === 'decoded' && spoken(answer)).toEqual(whole);
      }
      const answer = decoder.decode(bytes, format, decodeContext());
      expect(answer.outcome === 'decoded' && spoken(answer)).toEqual(whole);
    }
  });

  it('the same name has the same hash however it is spelled', () => {
    const hashes = readHashes(decoded(decoder, [a, `{ "vm":"\\u0061","ts":${NOW}}`, b].join('\n')).frames);
    expect(hashes[0]).toBe(hashes[1]);
    expect(hashes[0]).not.toBe(hashes[2]);
  });

  it('remembers nothing of the body before', () => {
    const before = spoken(decoded(decoder, a));
    decoded(decoder, `${b.repeat(50)}\n${a}\n${a}\n{"vm":"`);
    expect(spoken(decoded(decoder, a))).toEqual(before);
    expect(spoken(decoded(decoder, ''))).toEqual([]);
    expect(decoded(decoder, '{"vm":"').errors).toHaveLength(1);
  });
});

describe.each(BUILDS)('the %s decoder stays within its bounds', (build) => {
  const decoder = new Decoder(build);

  it('a million levels deep', () => {
    const levels = 1_000_000;
    for (const [open, inner, close] of [
      ['[', '', ']'],
      ['{"a":', '0', '}'],
    ] as const) {
      const value = open.repeat(levels) + inner + close.repeat(levels);
      expect(decoded(decoder, withMembers(`"x":${value}`)).accepted).toBe(1);
      expect(decoded(decoder, `[${withMembers(`"x":${value}`)}]`, 'json').accepted).toBe(1);
      expect(decoded(decoder, withMembers(`"x":${value.slice(0, -1)}`)).errors[0]?.code).toBe('malformed_json');
    }
  });

  it.each(['[', '{"":', '"', ' ', '\\', '{', '\n', 'x', '0', ',', '\u00e9', `{"vm":"${LONG_VM}`])('8 MiB of %j', (unit) => {
    const body = Buffer.alloc(BODY_BYTES_MAX, unit);
    for (const format of ['ndjson', 'json'] as const) {
      const answer = decoder.decode([body], format, decodeContext());
      expect(answer.outcome === 'decoded' ? answer.accepted : 0).toBe(0);
    }
  });

  it('one sample of exactly 8 MiB, and no byte more', () => {
    const text = `{"x":"${'é'.repeat((BODY_BYTES_MAX - 40) / 2)}","vm":"v","ts":${NOW}}`;
    const body = Buffer.concat([Buffer.from(text), Buffer.alloc(BODY_BYTES_MAX - Buffer.byteLength(text), ' ')]);
    expect(body).toHaveLength(BODY_BYTES_MAX);
    expect(decoded(decoder, body).accepted).toBe(1);
    expect(() => decoder.decode([body, Buffer.from(' ')], 'ndjson', decodeContext())).toThrow(RangeError);
  });

  it('50,000 samples of the largest size, and not one more', () => {
    const line = `{"vm":"${LONG_VM}","ts":${NOW},"nic":"${LONG_NIC}"}`;
    for (const format of ['ndjson', 'json'] as const) {
      const body = (n: number): Buffer => {
        const lines = Array.from({ length: n }, () => line).join(format === 'json' ? ',' : '\n');
        return Buffer.from(format === 'json' ? `[${lines}]` : lines);
      };
      const answer = decoded(decoder, body(SAMPLES_MAX), format);
      expect([answer.accepted, answer.frames.length]).toEqual([SAMPLES_MAX, SAMPLES_MAX * 136]);
      expect(new Set(readFrames(answer.frames).map(({ vm, nic }) => vm + nic))).toEqual(new Set([LONG_VM + LONG_NIC]));
      expect(decoder.decode([body(SAMPLES_MAX + 1)], format, decodeContext()).outcome).toBe('too_many_samples');
      expect(decoded(decoder, body(1), format).accepted).toBe(1);
    }
  });

  it('50,001 bad samples are too many, too', () => {
    expect(decoded(decoder, '1\n'.repeat(SAMPLES_MAX)).rejected).toBe(SAMPLES_MAX);
    expect(decoder.decode([Buffer.from('1\n'.repeat(SAMPLES_MAX + 1))], 'ndjson', decodeContext()).outcome).toBe(
      'too_many_samples',
    );
  });
});
