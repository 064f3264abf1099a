import { describe, expect, it } from 'vitest';
import { judge, judgeJsonArray, judgeNdjson, type RejectionCode } from './sample.ts';

const NOW_MS = Date.UTC(2026, 2, 1);
const DAY_MS = 86_400_000;
const CTX = { nowMs: NOW_MS, retentionMs: 90 * DAY_MS };
const PLAIN = { vm: 'v', nic: '', tsMs: NOW_MS, counters: null, epoch: 0, condition: 'up' };
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
/** A valid sample with more members. */
const withMembers = (members: string): string => `{"vm":"v","ts":${NOW_MS},${members}}`;
const withTs = (literal: string): string => `{"vm":"v","ts":${literal}}`;

describe('a sample is accepted with its defaults filled in', () => {
  it.each<[claim: string, text: string, expected: object]>([
    ['only vm and ts', withTs(String(NOW_MS)), {}],
    ['null is absent', withMembers('"nic":null,"rx_bytes":null,"tx_bytes":null,"epoch":null,"state":null,"cause":null'), {}],
    ['whitespace and escaped keys and values', '\t{ "\\u0076m" : "\\u0076" ,\r\n"ts":' + String(NOW_MS) + ' } ', {}],
    ['unknown fields, nested', withMembers('"x":{"vm":1,"ts":[]},"y":"\\"}","__proto__":{"nic":"e"}'), {}],
    ['the last of a repeated key', '{"vm":7,"ts":"x","ts":' + String(NOW_MS) + ',"vm":"v"}', {}],
    ['a repeated key taken back by null', withMembers('"epoch":"x","epoch":null'), {}],
    [
      'the largest counters',
      withMembers('"rx_bytes":18446744073709551615,"tx_bytes":"18446744073709551615"'),
      { counters: { rx: 2n ** 64n - 1n, tx: 2n ** 64n - 1n } },
    ],
    ['one counter alone, a half', withMembers('"rx_bytes":1,"tx_bytes":null'), { counters: { rx: 1n, tx: 0n }, part: 'rx' }],
    [
      'a counter above 2^53, exactly',
      withMembers('"rx_bytes":9007199254740993,"tx_bytes":"0"'),
      { counters: { rx: 9007199254740993n, tx: 0n } },
    ],
    ['the largest epoch', withMembers('"epoch":4294967295'), { epoch: 4294967295 }],
    ['down without a cause', withMembers('"state":"down"'), { condition: 'provider' }],
    ['down with a cause', withMembers('"cause":"arrears","state":"down"'), { condition: 'arrears' }],
    ['ts with a zone', withTs('"2026-03-01T08:00:00+08:00"'), {}],
    ['ts in small letters', withTs('"2026-03-01t00:00:00z"'), {}],
    ['ts with a fraction, cut', withTs('"2026-03-01T00:00:00.00199999999999Z"'), { tsMs: NOW_MS + 1 }],
    ['ts with one digit of fraction', withTs('"2026-02-28T23:59:59.5-00:00"'), { tsMs: NOW_MS - 500 }],
    ['ts five minutes ahead', withTs(String(NOW_MS + 300_000)), { tsMs: NOW_MS + 300_000 }],
    ['ts as old as the retention', withTs(String(NOW_MS - 90 * DAY_MS)), { tsMs: NOW_MS - 90 * DAY_MS }],
  ])('%s', (_claim, text, expected) => {
    expect(judge(text, CTX)).toEqual({ ok: true, sample: { ...PLAIN, ...expected } });
    expect(judge(bytes(text), CTX)).toEqual({ ok: true, sample: { ...PLAIN, ...expected } });
  });

  it('without a retention, back to the epoch', () => {
    expect(judge(withTs('0'), { nowMs: NOW_MS, retentionMs: null })).toEqual({ ok: true, sample: { ...PLAIN, tsMs: 0 } });
    expect(judge(withTs('"1969-12-31T23:59:59.999Z"'), { nowMs: NOW_MS, retentionMs: null })).toMatchObject({
      code: 'ts_too_old',
    });
  });
});

describe('a sample is rejected by the first rule it breaks', () => {
  it.each<[text: string, code: RejectionCode, field: string]>([
    ['', 'malformed_json', ''],
    ['\ufeff{"vm":"v","ts":1}', 'malformed_json', ''],
    ['{"vm":"v","ts":01}', 'malformed_json', ''],
    ['{"vm":"v","ts":1,}', 'malformed_json', ''],
    ['[]', 'malformed_json', ''],
    ['null', 'malformed_json', ''],
    ['"vm"', 'malformed_json', ''],
    ['12', 'malformed_json', ''],
    ['{"vm":"\u0001"}', 'malformed_json', ''],
    ['{}', 'missing_field', 'vm'],
    ['{"vm":null,"ts":"x"}', 'missing_field', 'vm'],
    ['{"vm":"v","vm":null,"ts":1}', 'missing_field', 'vm'],
    ['{"vm":""}', 'bad_vm', 'vm'],
    ['{"vm":7}', 'bad_vm', 'vm'],
    ['{"vm":"é"}', 'bad_vm', 'vm'],
    ['{"vm":"v\\n"}', 'bad_vm', 'vm'],
    [`{"vm":"${'v'.repeat(65)}"}`, 'bad_vm', 'vm'],
    ['{"vm":"v"}', 'missing_field', 'ts'],
    ...['-0', '-1', '1.0', '1e3', '1E3', 'true', '[]', '{}', '""', '"1772323200000"'].map(
      (ts) => [withTs(ts), 'bad_ts', 'ts'] as [string, RejectionCode, string],
    ),
    ...[
      '2026-03-01 00:00:00Z',
      '2026-03-01T00:00:00',
      '2026-02-29T00:00:00Z',
      '2026-04-31T00:00:00Z',
      '2026-03-01T24:00:00Z',
      '2026-03-01T00:60:00Z',
      '2016-12-31T23:59:60Z',
      '2026-03-01T00:00:00.Z',
      '2026-03-01T00:00:00+24:00',
      '2026-03-01T00:00:00+01:60',
      '2026-03-01T00:00:00+0100',
      '2026-03-01T00:00:00Z\\n',
      '2026-00-01T00:00:00Z',
      '2026-03-00T00:00:00Z',
    ].map((ts) => [withTs(`"${ts}"`), 'bad_ts', 'ts'] as [string, RejectionCode, string]),
    [withTs(String(NOW_MS + 300_001)), 'ts_in_future', 'ts'],
    [withTs('9'.repeat(400)), 'ts_in_future', 'ts'],
    [withTs('"9999-12-31T23:59:59Z"'), 'ts_in_future', 'ts'],
    [withTs(String(NOW_MS - 90 * DAY_MS - 1)), 'ts_too_old', 'ts'],
    [withTs('"0000-02-29T00:00:00Z"'), 'ts_too_old', 'ts'],
    [withTs('"1970-01-01T00:00:00+00:01"'), 'ts_too_old', 'ts'],
    [withMembers(`"nic":"${'n'.repeat(33)}"`), 'bad_nic', 'nic'],
    [withMembers('"nic":0,"rx_bytes":-1'), 'bad_nic', 'nic'],
    ...[
      '18446744073709551616',
      '"18446744073709551616"',
      '-0',
      '-1',
      '1.0',
      '1e3',
      '"01"',
      '"00"',
      '""',
      '"1e3"',
      '" 1"',
      '"+1"',
      'true',
      '[1]',
    ].map((rx) => [withMembers(`"tx_bytes":1,"rx_bytes":${rx}`), 'bad_counter', 'rx_bytes'] as [string, RejectionCode, string]),
    [withMembers('"tx_bytes":-1'), 'bad_counter', 'tx_bytes'],
    [withMembers('"tx_bytes":1,"epoch":"x"'), 'bad_epoch', 'epoch'],
    [withMembers('"rx_bytes":null,"state":"none"'), 'missing_field', 'rx_bytes'],
    ...['4294967296', '"0"', '-0', '0.0', '1e0', 'false'].map(
      (epoch) => [withMembers(`"epoch":${epoch},"state":0`), 'bad_epoch', 'epoch'] as [string, RejectionCode, string],
    ),
    [withMembers('"state":"Up","cause":"x"'), 'bad_state', 'state'],
    [withMembers('"state":true'), 'bad_state', 'state'],
    [withMembers('"cause":"provider"'), 'bad_cause', 'cause'],
    [withMembers('"state":"up","cause":"nobody"'), 'bad_cause', 'cause'],
    [withMembers('"state":"down","cause":"silent"'), 'bad_cause', 'cause'],
    [withMembers('"state":"down","cause":"up"'), 'bad_cause', 'cause'],
    [withMembers('"state":"down","cause":1'), 'bad_cause', 'cause'],
  ])('%s is %s', (text, code, field) => {
    expect(judge(text, CTX)).toEqual({ ok: false, code, field });
  });

  it('bytes that are no UTF-8 are no JSON, even in a field nobody reads', () => {
    const line = bytes(withMembers('"x":"?"'));
    expect(judge(line, CTX).ok).toBe(true);
    for (const byte of [0x80, 0xc3, 0xff]) {
      const broken = line.map((old) => (old === 0x3f ? byte : old));
      expect(judge(broken, CTX)).toEqual({ ok: false, code: 'malformed_json', field: '' });
    }
  });

  it('a VM that the key may not post for is looked at last', () => {
    const allowed = (vm: string): boolean => vm === 'mine';
    expect(judge(withTs(String(NOW_MS)), { ...CTX, allowed })).toEqual({ ok: false, code: 'vm_not_allowed', field: 'vm' });
    expect(judge(withMembers('"epoch":-1'), { ...CTX, allowed })).toEqual({ ok: false, code: 'bad_epoch', field: 'epoch' });
    expect(judge(`{"vm":"mine","ts":${NOW_MS}}`, { ...CTX, allowed }).ok).toBe(true);
  });
});

describe('bodies', () => {
  const good = withTs(String(NOW_MS));

  it('blank lines of NDJSON take no index, and a bad line takes only itself down', () => {
    const codes = judgeNdjson(bytes(`\n${good}\r\n \t\r\n{\n${good}\n"x"\n\u00a0\n${good}`), CTX).map((verdict) =>
      verdict.ok ? 'ok' : verdict.code,
    );
    expect(codes).toEqual(['ok', 'malformed_json', 'ok', 'malformed_json', 'malformed_json', 'ok']);
    expect(judgeNdjson(bytes(''), CTX)).toEqual([]);
  });

  it('a JSON body is one sample, or an array of them', () => {
    const codes = (text: string): string[] =>
      judgeJsonArray(bytes(text), CTX).map((verdict) => (verdict.ok ? 'ok' : verdict.code));
    expect(codes(good)).toEqual(['ok']);
    expect(codes(`[${good},{},[${good}],7,${good}]`)).toEqual(['ok', 'missing_field', 'malformed_json', 'malformed_json', 'ok']);
    expect(codes('[]')).toEqual([]);
    expect(codes(`[${good}`)).toEqual(['malformed_json']);
    expect(codes('7')).toEqual(['malformed_json']);
  });
});
