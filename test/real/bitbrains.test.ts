/** A month of a real data centre's VMs, posted as agents would: what the API answers equals a plain sum over the rows. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { agentKey, allRows, postLines, startServer, type TestServer, untilStored } from '../support/server.ts';
import { closingLines, readBitbrains, traceLine, type Trace, type TraceSample } from './bitbrains.ts';
import { saySkipped } from './data-folder.ts';

const LINES_A_REQUEST = 20_000;
const DAY_MS = 86_400_000;
const read = readBitbrains();
if ('missing' in read) saySkipped('the Bitbrains trace', read.missing);
const trace: Trace = 'missing' in read ? { samples: [], totals: new Map() } : read;

let dir: string;
let server: TestServer;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'uptally-bitbrains-'));
  server = await startServer({
    dir,
    // samples come every 300 s, with gaps of up to an hour
    env: { UPTALLY_CLOCK: 'event', UPTALLY_RETENTION_DAYS: '0', UPTALLY_STALENESS_MS: '660000' },
  });
});
afterEach(async () => {
  await server.end('SIGTERM');
  await rm(dir, { recursive: true, force: true });
});

async function post(lines: readonly string[]): Promise<void> {
  const { key } = await agentKey(server, 'bitbrains');
  for (let at = 0; at < lines.length; at += LINES_A_REQUEST) {
    const batch = lines.slice(at, at + LINES_A_REQUEST);
    const answer = await postLines(server, key, batch);
    expect({ status: answer.status, ...(answer.json() as object) }).toEqual({
      status: 202,
      accepted: batch.length,
      rejected: 0,
      errors: [],
    });
  }
}

/** What the API answers for each VM over all months. */
async function totals(vms: readonly string[]): Promise<Record<string, { rx: bigint; tx: bigint }>> {
  const sums: Record<string, { rx: bigint; tx: bigint }> = {};
  for (const vm of vms) {
    const rows = await allRows<{ rx_bytes: number | string; tx_bytes: number | string }>(
      server,
      `/v1/vms/${vm}/traffic?from=2013-07-01T00:00:00Z&to=2013-11-01T00:00:00Z&step=month`,
    );
    sums[vm] = rows.reduce((sum, row) => ({ rx: sum.rx + BigInt(row.rx_bytes), tx: sum.tx + BigInt(row.tx_bytes) }), {
      rx: 0n,
      tx: 0n,
    });
  }
  return sums;
}

function plainTotals(vms: readonly string[]): Record<string, { rx: bigint; tx: bigint }> {
  return Object.fromEntries(vms.map((vm) => [vm, { rx: trace.totals.get(vm)?.rx ?? 0n, tx: trace.totals.get(vm)?.tx ?? 0n }]));
}

function counts(vms: readonly string[]): Record<'accepted' | 'applied' | 'duplicate' | 'conflict', number> {
  const sum = { accepted: 0, applied: 0, duplicate: 0, conflict: 0 };
  for (const vm of vms) {
    const each = trace.totals.get(vm);
    sum.accepted += 1 + (each?.rows ?? 0);
    sum.applied += 1 + (each?.instants ?? 0);
    sum.duplicate += each?.duplicates ?? 0;
    sum.conflict += each?.conflicts ?? 0;
  }
  return sum;
}

describe.skipIf('missing' in read)('a month of 100 real VMs', () => {
  it('is metered to the byte, rows that come twice counted once', async () => {
    const vms = [...trace.totals.keys()];
    expect(vms).toHaveLength(100);
    // the trace is known to hold these two several times over, and to contradict itself there
    for (const vm of ['bitbrains-20', 'bitbrains-82']) {
      const { duplicates = 0, conflicts = 0 } = trace.totals.get(vm) ?? {};
      expect(duplicates + conflicts).toBeGreaterThan(4000);
    }
    const inTime = [...trace.samples].sort((a, b) => a.tsMs - b.tsMs);
    await post([...inTime.map(traceLine), ...closingLines(trace)]);
    const { samples } = await untilStored(server);
    expect(samples).toMatchObject({ ...counts(vms), quarantined: 0 });
    expect(samples.accepted).toBe(samples.applied + samples.duplicate + samples.conflict);
    expect(await totals(vms)).toEqual(plainTotals(vms));
  }, 240_000);

  it('comes to the same totals when the days arrive in reverse', async () => {
    const vms = ['bitbrains-20', 'bitbrains-82', 'bitbrains-1', 'bitbrains-10', 'bitbrains-37', 'bitbrains-70'];
    const day = ({ tsMs }: TraceSample): number => Math.floor(tsMs / DAY_MS);
    const some = trace.samples.filter(({ vm }) => vms.includes(vm));
    // stable: of one instant's rows the last stays the last, which decides
    const reversed = [...some].sort((a, b) => day(b) - day(a));
    const closing = closingLines(trace).filter((line) => vms.some((vm) => line.includes(`"${vm}"`)));
    await post([...closing, ...reversed.map(traceLine)]);
    const { samples } = await untilStored(server);
    expect(samples).toMatchObject({ ...counts(vms), quarantined: 0 });
    expect(await totals(vms)).toEqual(plainTotals(vms));
  }, 240_000);
});
