/**
 * Broken bodies by the thousand, a decoder each: whatever comes is an answer in the protocol's own words, in this process' time and memory, and what is
 * taken is what another reader takes: protobufjs, another snappy, the CloudEvents SDK, or the writer that made it. `npm run fuzz` tries 1,000,000 of each;
 * UPTALLY_TEST_SEED=n begins at the one that failed.
 */
import { HTTP, CloudEvent } from 'cloudevents';
import { compress as snapped, uncompress as unsnapped } from 'snappyjs';
import { describe, expect, it } from 'vitest';
import { ExportReader } from '../../../src/agent/proxmox-points.ts';
import { wholeLines } from '../../../src/agent/relay-lines.ts';
import { decodeRelayed } from '../../../src/agent/relayed.ts';
import { parseLine, LineError } from '../../../src/ingest/receivers/influx/line.ts';
import { RECEIVERS } from '../../../src/ingest/receivers/receivers.ts';
import { MalformedError } from '../../../src/ingest/receivers/shared/protobuf.ts';
import type { Receiver } from '../../../src/ingest/receivers/shared/receiver.ts';
import { unsnap } from '../../../src/ingest/receivers/shared/snappy.ts';
import { ProblemError } from '../../../src/problems/problem.ts';
import { splitBinary } from '../../../src/samples/binary-writer.ts';
import { mappingOf } from '../../../src/sources/mapping.ts';
import { preset } from '../../../src/sources/presets.ts';
import { Source } from '../../../src/sources/source.ts';
import { SourceInForce } from '../../../src/sources/sources.ts';
import { OTLP } from '../../support/otlp.ts';
import { ProxmoxCluster } from '../../support/proxmox-cluster.ts';
import { below, pick, type Random, randomOf } from '../../support/random.ts';
import { packed, samplesIn, type SentSeries, version1, version2 } from '../../support/remote-write.ts';

const INPUTS = Number(process.env['UPTALLY_TEST_INPUTS'] ?? 20_000);
const FIRST = Number(process.env['UPTALLY_TEST_SEED'] ?? 1);
const PATIENCE_MS = 120_000 + INPUTS;
const T0 = Date.parse('2026-03-01T00:00:00Z');

/** What cuts, turns round, doubles, fills in or exchanges pieces of a body. */
function broken(random: Random, body: Uint8Array): Buffer {
  let bytes = Buffer.from(body);
  for (let changes = below(random, 4); changes > 0; changes--) {
    const at = below(random, bytes.length + 1);
    const length = 1 + below(random, 8);
    const piece = bytes.subarray(at, at + length);
    switch (below(random, 6)) {
      case 0:
        bytes = bytes.subarray(0, at);
        break;
      case 1:
        if (at < bytes.length) bytes[at] = (bytes[at] ?? 0) ^ (1 << below(random, 8));
        break;
      case 2:
        bytes = Buffer.concat([bytes.subarray(0, at), piece, bytes.subarray(at)]);
        break;
      case 3:
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + length)]);
        break;
      case 4:
        bytes = Buffer.concat([bytes.subarray(0, at), pick(random, PIECES), bytes.subarray(at)]);
        break;
      default:
        bytes.fill(below(random, 256), at, Math.min(bytes.length, at + length));
    }
  }
  return bytes;
}

const LETTERS = ['a', 'Z', '9', ' ', ',', '=', '"', '\\', 'é', '😀', ':'];
const PIECES = [
  '\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01',
  '\x80\x80\x80\x80\x08',
  '\0',
  '"',
  '\\',
  '{',
  '[',
  ']',
  '}',
  ',',
  ':',
  '=',
  ' ',
  '\n',
]
  .concat([...['null', '1e999', '-1', '18446744073709551616', '__proto__', '\\ud800', 'NaN', '#', 'é']])
  .map((text) => Buffer.from(text, 'latin1'));

interface Outcome {
  readonly status: number;
  readonly counts: ReadonlyMap<string, number>;
  readonly samples: number;
}

/** A receiver of a preset's source, asked by itself. */
function asker(name: string, presetId: string): (body: Uint8Array, headers: Record<string, string>, url?: string) => Outcome {
  const receiver: Receiver | undefined = RECEIVERS.find((one) => one.name === name);
  const mapping = mappingOf({ preset: presetId }, preset);
  if (receiver === undefined || !('protocol' in mapping)) throw new Error(`${name} and ${presetId} do not go together`);
  const source = new Source(mapping);
  return (body, headers, url = '/') => {
    const inForce = new SourceInForce('s', [{ fromMs: 0, source }]);
    const head = { headers, url, params: { source: 's' }, query: {}, key: null, sources: { find: () => inForce } };
    try {
      const exchange = receiver.open(head);
      const translated = Buffer.concat(exchange.read([body]));
      const { status } = exchange.answer({ accepted: 1, rejected: 0, errors: [], rejectedByCode: [] }, [body]);
      const samples = inForce.counts.all().get('taken') ?? 0;
      // two and more records can be cut in halves, so all of them can be read
      const halves = splitBinary(translated);
      expect(halves === null ? Math.min(samples, 1) : halves[0].samples + halves[1].samples).toBe(samples);
      return { status, counts: inForce.counts.all(), samples };
    } catch (error) {
      if (!(error instanceof ProblemError)) throw error;
      const { status = 0 } = receiver.refuse?.(error, head) ?? {};
      expect([400, 413, 415]).toContain(status);
      return { status, counts: new Map(), samples: 0 };
    }
  };
}

/** Tries a decoder with as many inputs as are asked for; what goes wrong says with which seed. */
function fuzz(claim: string, attempt: (random: Random) => boolean): void {
  it(
    claim,
    () => {
      let taken = 0;
      for (let seed = FIRST; seed < FIRST + INPUTS; seed++) {
        try {
          if (attempt(randomOf(seed))) taken++;
        } catch (error) {
          throw new Error(`UPTALLY_TEST_SEED=${seed}: ${error instanceof Error ? (error.stack ?? '') : String(error)}`, {
            cause: error,
          });
        }
      }
      // inputs that nothing takes would try the first check alone
      expect(taken).toBeGreaterThan(INPUTS / 50);
    },
    PATIENCE_MS,
  );
}

const sum = (counts: ReadonlyMap<string, number>): number =>
  [...counts].reduce((total, [what, n]) => total + (what === 'inexact' ? 0 : n), 0);

const seriesOf = (random: Random): SentSeries => ({
  labels: {
    __name__: pick(random, ['libvirt_domain_interface_stats_receive_bytes_total', 'libvirt_domain_state_code', 'up', 'other']),
    ...{ uuid: pick(random, ['vm-a', '', 'é'.repeat(40), 'x'.repeat(300)]), instance: 'hv1:9177', target_device: 'vnet0' },
  },
  samples: Array.from({ length: below(random, 3) }, () => [
    pick(random, [0, 1, 5, 2 ** 53 + 2, 1e20, -1, NaN, Infinity]),
    pick(random, [T0, 0, -5, 2 ** 60]),
  ]),
});
const someSeries = (random: Random): SentSeries[] => Array.from({ length: below(random, 4) }, () => seriesOf(random));

describe('remote write', () => {
  const ask = asker('prometheus', 'libvirt-exporter');
  for (const [version, encode] of [
    [1, version1],
    [2, version2],
  ] as const) {
    const proto = version === 1 ? '' : ';proto=io.prometheus.write.v2.Request';
    fuzz(`${version}.0: what is taken has as many samples as protobufjs finds`, (random) => {
      const message = broken(random, encode(someSeries(random)));
      const { status, counts } = ask(packed(message), {
        'content-type': `application/x-protobuf${proto}`,
        'content-encoding': 'snappy',
      });
      if (status !== 204) return false;
      // what has no samples is passed over unread, so protobufjs may find a fault where nothing was wanted
      const others = samplesIn(version, message);
      if (others !== undefined) expect(sum(counts)).toBe(others);
      return true;
    });
  }

  fuzz('a block is what another snappy makes of it, or no block at all', (random) => {
    const plain = Buffer.alloc(below(random, 300), pick(random, ['a', 'abcd', 'libvirt_domain']));
    const block = broken(random, snapped(plain));
    let ours: Uint8Array;
    try {
      ours = unsnap(block);
    } catch (error) {
      if (error instanceof MalformedError || error instanceof ProblemError) return false;
      throw error;
    }
    expect(Buffer.from(ours).equals(Buffer.from(unsnapped(block)))).toBe(true);
    return true;
  });
});

describe('OTLP', () => {
  const ask = asker('otlp', 'otel-hostmetrics');
  const REQUEST = OTLP.lookupType('Request');
  const attribute = (key: string, stringValue: string): object => ({ key, value: { stringValue } });
  const document = (random: Random): { resourceMetrics: object[] } => {
    const dataPoints = Array.from({ length: below(random, 3) }, () => ({
      attributes: [attribute('device', 'eth0'), attribute('direction', pick(random, ['receive', 'transmit', 'x']))],
      timeUnixNano: pick(random, ['1795320362446000000', '0', '18446744073709551615']),
      ...pick<object>(random, [{ asInt: '1000' }, { asInt: '-1' }, { asInt: '9223372036854775807' }, { asDouble: 0.5 }, {}]),
      flags: below(random, 2),
    }));
    const data = { aggregationTemporality: 1 + below(random, 2), isMonotonic: true, dataPoints };
    const metrics = [
      { name: 'system.network.io', sum: data },
      { name: pick(random, ['cpu', 'system.network.io']), gauge: { dataPoints } },
    ];
    return { resourceMetrics: [{ resource: { attributes: [attribute('host.name', 'vm-1')] }, scopeMetrics: [{ metrics }] }] };
  };
  const pointsIn = (body: Uint8Array): number | undefined => {
    try {
      const read = REQUEST.decode(body) as unknown as {
        resourceMetrics: {
          scopeMetrics: { metrics: Record<'sum' | 'gauge', { dataPoints: unknown[] } | null | undefined>[] }[];
        }[];
      };
      const metrics = read.resourceMetrics.flatMap(({ scopeMetrics }) => scopeMetrics.flatMap(({ metrics: each }) => each));
      return metrics.reduce(
        (n, { sum: total, gauge }) => n + (total?.dataPoints.length ?? 0) + (gauge?.dataPoints.length ?? 0),
        0,
      );
    } catch {
      return undefined;
    }
  };

  fuzz('protobuf: protobufjs finds no fewer points in what is taken', (random) => {
    const body = broken(random, Buffer.from(REQUEST.encode(REQUEST.fromObject(document(random))).finish()));
    const { status, counts } = ask(body, { 'content-type': 'application/x-protobuf' });
    if (status !== 200) return false;
    // of a metric that says both a sum and a gauge the last counts; protobufjs keeps both, and reads what nobody wants here too
    const others = pointsIn(body);
    if (others !== undefined) expect(sum(counts)).toBeLessThanOrEqual(others);
    return true;
  });

  fuzz('JSON: what is taken is JSON, and a whole document is the same as in protobuf', (random) => {
    const whole = document(random);
    const text = broken(random, Buffer.from(JSON.stringify(whole)));
    const { status, counts } = ask(text, { 'content-type': 'application/json' });
    if (status !== 200) return false;
    JSON.parse(text.toString());
    if (text.toString() !== JSON.stringify(whole)) return true;
    const other = ask(Buffer.from(REQUEST.encode(REQUEST.fromObject(whole)).finish()), {
      'content-type': 'application/x-protobuf',
    });
    expect(counts).toEqual(other.counts);
    return true;
  });
});

describe('lines of Influx', () => {
  const ask = asker('influx', 'proxmox-influx-sums');
  const line = (random: Random): string =>
    pick(random, [
      `system,object=qemu,vmid=100,nodename=pve1,host=web cpus=2,netin=1529756162,netout=77,pid=4,qmpstatus="running",uptime=3 ${T0}000000`,
      `nics,object=qemu,vmid=100,nodename=pve1,instance=tap100i0 netin=1i,netout=2u ${T0}000000`,
      `system,object=lxc,vmid=7,nodename=a\\ b,tags=x\\,y\\=z status="a \\"quoted\\" one",uptime=0`,
      '# a comment',
      '',
    ]);

  fuzz('each line by itself: a post has the counts of its lines posted one by one', (random) => {
    const body = broken(random, Buffer.from([line(random), line(random), line(random)].join('\n')));
    const headers = { 'content-type': 'text/plain' };
    const together = ask(body, headers, '/api/v2/write');
    if (together.status === 400) return false;
    const alone = new Map<string, number>();
    for (let from = 0; from <= body.length;) {
      const end = body.indexOf(0x0a, from);
      const to = end < 0 ? body.length : end;
      const one = ask(body.subarray(from, to), headers, '/api/v2/write');
      if (one.status === 400) alone.set('rejected:malformed_line', (alone.get('rejected:malformed_line') ?? 0) + 1);
      for (const [what, n] of one.counts) alone.set(what, (alone.get(what) ?? 0) + n);
      from = to + 1;
    }
    expect(together.counts).toEqual(alone);
    return true;
  });

  fuzz('a line is read as it was written, whatever its names hold', (random) => {
    const text = (): string => Array.from({ length: 1 + below(random, 5) }, () => pick(random, LETTERS)).join('');
    // a backslash at the end of a name would escape what follows it
    const name = (): string => `${text().replaceAll('\\', '/')}x`;
    const escaped = (of: string): string => of.replaceAll(/[,= ]/g, '\\$&');
    const tags = new Map([[`t${name()}`, name()]]);
    const fields = new Map([[`f${name()}`, text()]]);
    const written = `m${[...tags].map(([k, v]) => `,${escaped(k)}=${escaped(v)}`).join('')} ${[...fields]
      .map(([k, v]) => `${escaped(k)}="${v.replaceAll(/["\\]/g, '\\$&')}"`)
      .join(',')} 5`;
    try {
      expect(Object.fromEntries(parseLine(written).labels)).toEqual(Object.fromEntries([...tags, ...fields]));
    } catch (error) {
      if (error instanceof LineError) throw new Error(`${written}: ${error.message}`, { cause: error });
      throw error;
    }
    return true;
  });

  fuzz('of a datagram cut anywhere whole lines are left', (random) => {
    const whole = `${line(random)}\n${line(random)}\n`;
    const cut = Buffer.from(whole).subarray(0, below(random, whole.length + 1));
    const lines = wholeLines(cut).toString();
    expect(whole.startsWith(lines) && (lines === '' || lines.endsWith('\n'))).toBe(true);
    return true;
  });
});

describe('documents in JSON', () => {
  const DOCUMENTS = {
    collectd: [
      'collectd-virt',
      [
        {
          values: [1, 2],
          dsnames: ['rx', 'tx'],
          dstypes: ['derive', 'derive'],
          time: T0 / 1000,
          interval: 10,
          host: 'hv',
          plugin: 'virt',
          plugin_instance: 'vm',
          type: 'if_octets',
          type_instance: 'm',
        },
      ],
    ],
    ceilometer: [
      'ceilometer',
      [
        {
          counter_name: 'network.incoming.bytes',
          counter_volume: 7,
          timestamp: '2026-03-01T00:00:00',
          resource_metadata: { instance_id: 'vm', name: 'tap', instance_host: 'h' },
        },
      ],
    ],
  } as const;
  for (const [protocol, [presetId, document]] of Object.entries(DOCUMENTS)) {
    const ask = asker(protocol, presetId);
    fuzz(`${protocol}: what is taken is JSON`, (random) => {
      const body = broken(random, Buffer.from(JSON.stringify(document)));
      const { status } = ask(body, { 'content-type': 'application/json' });
      if (status >= 300) return false;
      JSON.parse(body.toString());
      return true;
    });
  }

  const ask = asker('cloudevents', 'cloudevents');
  fuzz('CloudEvents: what is taken the SDK reads as well, in each of three modes', (random) => {
    const event = new CloudEvent({
      id: '1',
      source: '/a',
      type: 'vm.traffic',
      time: '2026-03-01T00:00:00Z',
      data: { vm: 'a', rx_bytes: 5 },
    });
    const mode = below(random, 3);
    const { headers, body } = mode === 0 ? HTTP.binary(event) : HTTP.structured(event);
    const text = mode === 2 ? `[${body as string}]` : (body as string);
    const flat = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value)]));
    if (mode === 2) flat['content-type'] = 'application/cloudevents-batch+json';
    const posted = broken(random, Buffer.from(text));
    const { status, samples } = ask(posted, flat);
    // an event without an instant is told as rejected, among others that are taken
    if (status >= 300 || samples === 0) return false;
    try {
      const read = HTTP.toEvent({ headers: flat, body: posted.toString() });
      expect(Array.isArray(read)).toBe(mode === 2);
    } catch (error) {
      // a source or schema that is no URI is a name like any other here
      const { errors } = error as { readonly errors?: readonly { readonly keyword: string }[] };
      // the SDK rewrites a text before it parses it; what is JSON as it came is JSON
      if (error instanceof SyntaxError) JSON.parse(posted.toString());
      else if (errors === undefined || errors.some(({ keyword }) => keyword !== 'format')) throw error;
    }
    return true;
  });
});

describe('what the agent reads', () => {
  const cluster = new ProxmoxCluster();
  cluster.node('pve1');
  cluster.guest(100, 'pve1', 5);
  cluster.round(10);
  cluster.round(20);
  const whole = cluster.export(0);

  fuzz("Proxmox' answer, in any pieces: it is read as JSON, or refused in a sentence", (random) => {
    const text = broken(random, Buffer.from(whole)).toString();
    const reader = new ExportReader();
    try {
      for (let at = 0; at < text.length;) {
        const length = 1 + below(random, text.length);
        reader.add(text.slice(at, at + length));
        at += length;
      }
      const { guests } = reader.end();
      for (const { rx, second } of guests) expect((rx === null || rx >= 0n) && Number.isSafeInteger(second)).toBe(true);
      return true;
    } catch (error) {
      if (error instanceof Error && error.message.startsWith('the answer')) return false;
      throw error;
    }
  });

  fuzz('a damaged record of the relay is an error, or a post to where posts go', (random) => {
    const head = Buffer.from('{"path":"/v1/receive/influx/pve/api/v2/write","headers":{"content-type":"text/plain"}}');
    const start = Buffer.from('UPR1\0\0\0\0', 'latin1');
    start.writeUInt32LE(head.length, 4);
    try {
      expect(decodeRelayed(broken(random, Buffer.concat([start, head, Buffer.from('a b=1 1\n')]))).path).toMatch(
        /^\/v1\/receive\//,
      );
      return true;
    } catch {
      return false;
    }
  });
});
