import { describe, expect, it } from 'vitest';
import { LineError, parseLine } from '../../../../src/ingest/receivers/influx/line.ts';
import { type Precision, translateLines } from '../../../../src/ingest/receivers/influx/lines.ts';
import { Translation } from '../../../../src/ingest/receivers/shared/translation.ts';
import { mappingOf } from '../../../../src/sources/mapping.ts';
import { preset } from '../../../../src/sources/presets.ts';
import { Source } from '../../../../src/sources/source.ts';
import { SourceCounts } from '../../../../src/sources/source-counts.ts';
import { SourceInForce } from '../../../../src/sources/sources.ts';
import { below, randomOf } from '../../../support/random.ts';

function read(
  text: string | Buffer,
  { id = 'proxmox-influx-sums', precision = 'ns' }: { id?: string; precision?: Precision } = {},
) {
  const mapping = mappingOf({ preset: id }, preset);
  if (!('protocol' in mapping)) throw new Error('the preset is no mapping');
  const source = new SourceInForce('s', [{ fromMs: 0, source: new Source(mapping) }]);
  const into = new Translation();
  const lines = translateLines(Buffer.from(text), precision, source, into);
  const counts = new SourceCounts();
  into.settle(counts, { rejectedByCode: [] });
  return { ...lines, counts: Object.fromEntries(counts.all()), body: Buffer.concat(into.body()) };
}

const said = (line: string): Record<string, string> => Object.fromEntries(parseLine(line).labels);
const why = (line: string): string => {
  try {
    parseLine(line);
  } catch (error) {
    if (error instanceof LineError) return error.message;
    throw error;
  }
  return '';
};

describe('a line', () => {
  it('has measurement, tags, fields and an instant', () => {
    expect(parseLine('nics,vmid=100,instance=tap100i0 netin=1i,netout=2u 1767225600000000000')).toEqual({
      measurement: 'nics',
      labels: new Map(Object.entries({ vmid: '100', instance: 'tap100i0', netin: '1', netout: '2' })),
      at: '1767225600000000000',
    });
    expect(parseLine('m f=1').at).toBeNull();
  });

  it('keeps the digits of counters beyond 2^53, with and without i', () => {
    expect(said('m a=18446744073709551615u,b=9007199254740993i,c=9007199254740993')).toEqual({
      ...{ a: '18446744073709551615', b: '9007199254740993', c: '9007199254740993' },
    });
  });

  it('has escapes where the protocol has them, and backslashes that are none', () => {
    expect(parseLine('my\\ m\\,x,a\\=b=c\\ d\\,e f\\ g="h \\"i\\" \\\\ , = j",k="\\n" 1')).toEqual({
      measurement: 'my m,x',
      labels: new Map(Object.entries({ 'a=b': 'c d,e', 'f g': 'h "i" \\ , = j', k: '\\n' })),
      at: '1',
    });
    expect(said('m,path=C:\\x f=t')).toEqual({ path: 'C:\\x', f: 'true' });
  });

  it('of one name the field counts', () => {
    expect(said('m,a=tag a=1i')).toEqual({ a: '1' });
  });

  it.each([
    ['', 'no measurement'],
    [',a=b f=1', 'no measurement'],
    ['m', 'no fields'],
    ['m,a f=1', 'without name or value'],
    ['m,a= f=1', 'nothing in tag'],
    ['m f', 'without name or value'],
    ['m f=', 'no number'],
    ['m f="x', 'not closed'],
    ['m f="x"y 1', 'behind a field'],
    ['m f=1 1.5', 'no whole number'],
    ['m f=1 1 2', 'behind its instant'],
    ['m f=1i2', 'no number'],
    [`m f="${'x'.repeat(70_000)}"`, 'longer'],
    [`m ${Array.from({ length: 1100 }, (_, i) => `f${i}=1`).join(',')}`, 'more than'],
  ])('%j cannot be read: %s', (line, message) => {
    expect(why(line)).toContain(message);
  });
});

const RUNNING =
  'system,object=qemu,vmid=100,nodename=pve1,host=web cpus=2,netin=1529756162,netout=7750708281,pid=41873,qmpstatus="running",status="running",uptime=315039 1767225600000000000';
const STOPPED =
  'system,object=qemu,vmid=101,nodename=pve1,host=db cpus=1,netin=0,netout=0,qmpstatus="stopped",status="stopped",uptime=0 1767225600000000000';

describe('lines of a post', () => {
  it('each become a sample, or are left out and counted', () => {
    const body = `${RUNNING}\n${STOPPED}\n\n# a comment\r\nballooninfo,object=qemu,vmid=100 actual=1 1767225600000000000\n`;
    expect(read(body)).toMatchObject({ lines: 3, malformed: 0, first: null, counts: { taken: 2, ignored: 1 } });
  });

  it('one that cannot be read costs itself alone, and is named', () => {
    expect(read(`${RUNNING}\nbroken\n${STOPPED}`)).toMatchObject({
      ...{ lines: 3, malformed: 1, first: { line: 2, why: 'has no fields' } },
      counts: { taken: 2, 'rejected:malformed_line': 1 },
    });
    const latin = Buffer.concat([Buffer.from(`${RUNNING}\n`), Buffer.from('m,a=\xe4 f=1 1\n', 'latin1')]);
    expect(read(latin)).toMatchObject({ lines: 2, malformed: 1, counts: { taken: 1 } });
  });

  it('without an instant it would be another sample each time that it is sent: it is rejected', () => {
    expect(read(RUNNING.replace(/ \d+$/, '')).counts).toEqual({ 'rejected:bad_ts': 1 });
    expect(read(RUNNING.replace(/ \d+$/, ' -1')).counts).toEqual({ 'rejected:bad_ts': 1 });
  });

  it('the instant is in what the post says', () => {
    const inMs = read(RUNNING).body;
    for (const [precision, digits] of [
      ['us', '1767225600000000'],
      ['ms', '1767225600000'],
      ['s', '1767225600'],
    ] as const)
      expect(read(RUNNING.replace(/\d+$/, digits), { precision }).body).toEqual(inMs);
  });

  it('cut anywhere between lines and sent again in any pieces, the samples are the same', () => {
    const lines = [RUNNING, STOPPED, RUNNING.replace('vmid=100', 'vmid=7')];
    const whole = read(lines.join('\n')).counts;
    for (let cut = 1; cut < lines.length; cut++) {
      const parts = [read(lines.slice(0, cut).join('\n')), read(lines.slice(cut).join('\n'))];
      expect(parts.reduce((sum, { counts }) => sum + (counts['taken'] ?? 0), 0)).toBe(whole['taken']);
    }
  });

  it('whatever stands in a body, lines are read or told, and nothing else is thrown (20,000 bodies)', () => {
    const random = randomOf(7);
    const from = Buffer.from(`${RUNNING}\n${STOPPED}\n`);
    for (let i = 0; i < 20_000; i++) {
      const changed = Buffer.from(from);
      for (let n = 1 + below(random, 6); n > 0; n--) changed[below(random, changed.length)] = below(random, 256);
      const { lines, malformed } = read(changed);
      expect(malformed).toBeLessThanOrEqual(lines);
    }
  });
});
