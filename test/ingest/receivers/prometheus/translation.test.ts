import { describe, expect, it } from 'vitest';
import { SeriesCache } from '../../../../src/ingest/receivers/prometheus/series-cache.ts';
import { translateVersion1 } from '../../../../src/ingest/receivers/prometheus/version1.ts';
import { translateVersion2, type Written } from '../../../../src/ingest/receivers/prometheus/version2.ts';
import { MalformedError } from '../../../../src/ingest/receivers/shared/protobuf.ts';
import { Translation } from '../../../../src/ingest/receivers/shared/translation.ts';
import { mappingOf } from '../../../../src/sources/mapping.ts';
import { preset } from '../../../../src/sources/presets.ts';
import { Source } from '../../../../src/sources/source.ts';
import { SourceCounts } from '../../../../src/sources/source-counts.ts';
import { SourceInForce } from '../../../../src/sources/sources.ts';
import { below, randomOf } from '../../../support/random.ts';
import { type SentSeries, version1, version2 } from '../../../support/remote-write.ts';

const RX = 'libvirt_domain_interface_stats_receive_bytes_total';
const TX = 'libvirt_domain_interface_stats_transmit_bytes_total';
const AT = 1_795_320_000_000;

function libvirtSource(): SourceInForce {
  const mapping = mappingOf({ preset: 'libvirt-exporter' }, preset);
  if (!('protocol' in mapping)) throw new Error('the preset is no mapping');
  return new SourceInForce('s', [{ fromMs: 0, source: new Source(mapping) }]);
}

function series(
  name: string,
  vm: string,
  nic: string,
  samples: SentSeries['samples'],
  more: Partial<SentSeries> = {},
): SentSeries {
  return { labels: { __name__: name, domain: `d-${vm}`, instance: 'hv1:9177', target_device: nic, uuid: vm }, samples, ...more };
}

/** What a body comes to: the bytes of the binary format, and what was counted. */
function translate(
  body: Uint8Array,
  version: 1 | 2 = 1,
  cache = new SeriesCache(),
  source = libvirtSource(),
): { body: Buffer; counts: object; written: Written | null } {
  const into = new Translation();
  let written: Written | null = null;
  if (version === 1) translateVersion1(body, source, cache, into);
  else written = translateVersion2(body, source, cache, into);
  const counts = new SourceCounts();
  into.settle(counts, { rejectedByCode: [] });
  return { body: Buffer.concat(into.body()), counts: Object.fromEntries(counts.all()), written };
}

const FLEET = [
  series(RX, 'vm-a', 'vnet0', [
    [1000, AT],
    [2000, AT + 15_000],
  ]),
  series(TX, 'vm-a', 'vnet0', [[500, AT]]),
  { labels: { __name__: 'libvirt_domain_state_code', instance: 'hv1:9177', uuid: 'vm-a' }, samples: [[1, AT]] },
  { labels: { __name__: 'go_goroutines', instance: 'hv1:9177' }, samples: [[7, AT]] },
] as const satisfies readonly SentSeries[];

describe('remote write 1.0', () => {
  it("takes what the source's rules name, and counts the rest", () => {
    expect(translate(version1(FLEET)).counts).toEqual({ taken: 4, ignored: 1 });
  });

  it('makes the same of a series that it knows as of one that it sees for the first time', () => {
    const cache = new SeriesCache();
    const body = version1(FLEET);
    const source = libvirtSource();
    const first = translate(body, 1, cache, source);
    expect(translate(body, 1, cache, source)).toEqual(first);
    expect(cache.size).toBe(4);
    expect(translate(body, 1, cache)).toEqual(first);
    expect(cache.size).toBe(8);
  });

  it('remembers a bounded number of series, in whatever order they come, and makes the same of them', () => {
    const cache = new SeriesCache(20_000);
    const source = libvirtSource();
    const random = randomOf(7);
    let most = 0;
    for (let i = 0; i < 2_000; i++) {
      const body = version1(Array.from({ length: 5 }, () => series(RX, `vm-${below(random, 200)}`, 'vnet0', [[1000 + i, AT]])));
      const fresh = translate(body, 1, new SeriesCache(), source);
      expect(translate(body, 1, cache, source)).toEqual(fresh);
      most = Math.max(most, cache.bytes);
    }
    expect(most).toBeGreaterThan(10_000);
    expect(most).toBeLessThan(25_000);
  });

  it('reads fields in whatever order they come, labels between samples too', () => {
    const whole = version1([series(RX, 'vm-a', 'vnet0', [[1000, AT]])]);
    const { pieces, head } = piecesOf(whole);
    const shuffled = [pieces.at(-1), ...pieces.slice(0, -1)].filter((piece) => piece !== undefined);
    expect(translate(Buffer.concat([head, ...shuffled])).body).toEqual(translate(whole).body);
    const between = [pieces[0], pieces.at(-1), ...pieces.slice(1, -1)].filter((piece) => piece !== undefined);
    expect(translate(Buffer.concat([head, ...between])).body).toEqual(translate(whole).body);
  });

  it('refuses a body that is cut anywhere, and says of none more than stands in it', () => {
    const body = version1(FLEET);
    const whole = translate(body).body;
    for (let length = 0; length < body.length; length++) {
      try {
        const cut = translate(body.subarray(0, length));
        expect(cut.body.length, String(length)).toBeLessThanOrEqual(whole.length);
      } catch (error) {
        expect(error, String(length)).toBeInstanceOf(MalformedError);
      }
    }
  });

  it('never throws anything else, whatever the bytes (20,000 bodies with bytes changed)', () => {
    const random = randomOf(1);
    const body = version1(FLEET);
    for (let i = 0; i < 20_000; i++) {
      const changed = Buffer.from(body);
      for (let n = 1 + below(random, 4); n > 0; n--) changed[below(random, changed.length)] = below(random, 256);
      try {
        translate(changed);
      } catch (error) {
        expect(error).toBeInstanceOf(MalformedError);
      }
    }
  });

  it('a series without a name is rejected alone', () => {
    expect(translate(version1([{ labels: { a: 'b' }, samples: [[1, AT]] }, ...FLEET])).counts).toEqual({
      ...{ taken: 4, ignored: 1 },
      'rejected:missing_field': 1,
    });
  });

  it('G5: the marker of an ended series is no counter, and no rejection', () => {
    const body = version1([
      series(RX, 'vm-a', 'vnet0', [
        [NaN, AT],
        [Infinity, AT + 1],
        [-1, AT + 2],
        [1e20, AT + 3],
      ]),
    ]);
    const at = body.indexOf(Buffer.from([0, 0, 0, 0, 0, 0, 0xf8, 0x7f]));
    Buffer.from([2, 0, 0, 0, 0, 0, 0xf0, 0x7f]).copy(body, at);
    expect(translate(body).counts).toEqual({ stale: 1, 'rejected:bad_counter': 3 });
  });

  it('T14: a counter beyond 2^53 is taken as the float says it, and counted as inexact', () => {
    expect(translate(version1([series(RX, 'vm-a', 'vnet0', [[2 ** 53 + 2, AT]])])).counts).toEqual({ taken: 1, inexact: 1 });
  });
});

describe('remote write 2.0', () => {
  it('comes to the same as 1.0', () => {
    expect(translate(version2(FLEET), 2).body).toEqual(translate(version1(FLEET)).body);
  });

  it('tells what came: also what no rule wants', () => {
    expect(
      translate(version2([...FLEET, series(RX, 'vm-b', 'vnet1', [[1, AT]], { histograms: 2, exemplars: 3 })]), 2).written,
    ).toEqual({
      ...{ samples: 6, histograms: 2, exemplars: 3, problem: null },
    });
  });

  it('refuses a malformed series, and takes the others', () => {
    const bad = [
      { labels: {}, refs: [0, 99], samples: [[1, AT]] },
      { labels: {}, refs: [1], samples: [[1, AT]] },
      { labels: { a: 'no name' }, samples: [[1, AT]] },
      { labels: {}, refs: [1, 2, 1, 2], samples: [[1, AT]] },
    ] as const;
    for (const malformed of bad) {
      const { written, counts } = translate(version2([...FLEET, malformed]), 2);
      expect(written).toMatchObject({ samples: 5, problem: expect.any(String) as string });
      expect(counts).toMatchObject({ taken: 4 });
    }
  });

  it('a created timestamp says when the counter began', () => {
    const plain = translate(version2([series(RX, 'vm-a', 'vnet0', [[1, AT]])]), 2).body;
    const created = translate(version2([series(RX, 'vm-a', 'vnet0', [[1, AT]], { createdMs: AT - 60_000 })]), 2).body;
    expect(created.length).toBeGreaterThan(plain.length);
  });

  it('G9: is not taken for 1.0, nor 1.0 for it', () => {
    const asOther = (body: Uint8Array, version: 1 | 2): number => {
      try {
        return (translate(body, version).counts as { taken?: number }).taken ?? 0;
      } catch (error) {
        expect(error).toBeInstanceOf(MalformedError);
        return 0;
      }
    };
    expect(asOther(version2(FLEET), 1)).toBe(0);
    expect(asOther(version1(FLEET), 2)).toBe(0);
  });
});

/** The fields of the only series of a request, and what stands before them. */
function piecesOf(request: Buffer): { head: Buffer; pieces: Buffer[] } {
  const pieces: Buffer[] = [];
  // field 1, a length below 2^14 in one or two bytes
  const twoBytes = ((request[1] ?? 0) & 0x80) !== 0;
  const from = twoBytes ? 3 : 2;
  const length = twoBytes ? ((request[1] ?? 0) & 0x7f) + (request[2] ?? 0) * 128 : (request[1] ?? 0);
  for (let at = from; at < from + length;) {
    const size = 2 + (request[at + 1] ?? 0);
    pieces.push(request.subarray(at, at + size));
    at += size;
  }
  return { head: request.subarray(0, from), pieces };
}
