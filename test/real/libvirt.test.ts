/**
 * The real agent against the real server, on a hypervisor whose answer is known: libvirt's test driver moves each interface's counters by
 * exactly 100,000 bytes received and 50,000 sent a second. UPTALLY_TEST_LONG=1 watches two whole minutes more.
 */
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runAgent, type RunningAgent } from '../../src/agent/agent.ts';
import { libvirtReader } from '../../src/agent/libvirt.ts';
import { parseInstant } from '../../src/domain/instant.ts';
import { resolveLog, type LoggedSample } from '../../src/verify/model/inforce.ts';
import { trafficOf } from '../../src/verify/model/traffic.ts';
import { agentKey, allRows, type RawJson, startServer, type TestServer, untilStored } from '../support/server.ts';
import { saySkipped } from './data-folder.ts';

const MINUTE_MS = 60_000;
const STALENESS_MS = 90_000;
const WHOLE_MINUTES = process.env['UPTALLY_TEST_LONG'] === '1' ? 3 : 1;
const INTERVAL_MS = 3_000;
const RX_A_MINUTE = 6_000_000;
const TX_A_MINUTE = 3_000_000;
/** The driver's counters are of the moment they are read, the sample's of one nearest before: a busy machine puts time between the two. */
const READING_BYTES = 0.01;
const uri = `test://${fileURLToPath(new URL('../support/libvirt/node.xml', import.meta.url))}`;

function missingVirsh(): string | null {
  try {
    execFileSync('virsh', ['-c', uri, 'list', '--all'], { stdio: 'pipe' });
    return null;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT'
      ? 'there is no virsh (Debian: libvirt-clients, libvirt0)'
      : String(error);
  }
}

const missing = missingVirsh();
if (missing !== null) saySkipped("libvirt's test driver", missing);

let dir: string;
let server: TestServer;
let agent: RunningAgent | null;
beforeEach(async () => {
  agent = null;
  dir = await mkdtemp(join(tmpdir(), 'uptally-libvirt-'));
  server = await startServer({ dir: join(dir, 'data') });
});
afterEach(async () => {
  await agent?.stop();
  await server.end('SIGTERM');
  await rm(dir, { recursive: true, force: true });
});

/** A raw sample as the API shows it, as the model takes it. */
function logged(row: RawJson): LoggedSample {
  const counters = row.rx_bytes === undefined ? null : { rx: BigInt(row.rx_bytes), tx: BigInt(row.tx_bytes ?? 0) };
  const condition = row.state === 'up' ? 'up' : ((row.cause ?? 'provider') as LoggedSample['condition']);
  return {
    vm: row.vm,
    nic: row.nic,
    tsMs: parseInstant(row.ts) ?? Number.NaN,
    counters,
    epoch: row.epoch,
    condition,
    agent: row.agent,
  };
}

interface TrafficJson {
  readonly start: string;
  readonly nic: string;
  readonly rx_bytes: number;
  readonly tx_bytes: number;
}

describe.skipIf(missing !== null)("libvirt's test driver", () => {
  it(
    `is metered exactly over ${WHOLE_MINUTES} whole minutes: 6,000,000 bytes received and 3,000,000 sent by each interface`,
    async () => {
      const { key } = await agentKey(server, 'host-1');
      agent = await runAgent({
        server: server.url,
        key,
        reader: libvirtReader({ uri }),
        spoolDir: join(dir, 'spool'),
        intervalMs: INTERVAL_MS,
      });
      const startMs = Date.now();
      const firstMinuteMs = Math.ceil(startMs / MINUTE_MS) * MINUTE_MS;
      const endMs = firstMinuteMs + WHOLE_MINUTES * MINUTE_MS;
      // the real clock is what is measured against here: nothing but time makes the minutes pass
      await new Promise((resolve) => setTimeout(resolve, endMs + 2 * INTERVAL_MS - Date.now()));
      await agent.readNow();
      await agent.drained();
      const stats = await agent.stop();
      expect(stats).toMatchObject({ rejectedSamples: 0, failedRounds: 0, pendingSamples: 0, droppedSamples: 0 });
      expect((await untilStored(server)).samples).toMatchObject({
        accepted: stats.acceptedSamples,
        applied: stats.acceptedSamples,
        quarantined: 0,
      });

      const range = `from=${new Date(Math.floor(startMs / MINUTE_MS) * MINUTE_MS).toISOString()}&to=${new Date(endMs).toISOString()}`;
      const wide = `from=${new Date(startMs - MINUTE_MS).toISOString()}&to=${new Date(endMs + MINUTE_MS).toISOString()}`;
      let interfaces = 0;
      for (const vm of ['web', 'db', 'paused']) {
        const rows = await allRows<TrafficJson>(server, `/v1/vms/${vm}/traffic?${range}&step=minute&by=nic`);
        const raw = await allRows<RawJson>(server, `/v1/vms/${vm}/samples?${wide}`);
        const samples = resolveLog(raw.map(logged)).inForce;
        const model = trafficOf({ samples, stalenessMs: STALENESS_MS, watermarkMs: null, endsAtMs: null }, 100_000_000_000n);
        const expected = model.minutes.filter(({ minuteMs }) => minuteMs < endMs);
        const lines = rows.map((row) => `${Date.parse(row.start)} ${row.nic} ${row.rx_bytes} ${row.tx_bytes}`);
        expect(lines.sort(), vm).toEqual(
          expected.map((row) => `${row.minuteMs} ${row.nic} ${row.rxBytes} ${row.txBytes}`).sort(),
        );

        const nics = new Set(samples.filter(({ counters }) => counters !== null).map(({ nic }) => nic));
        interfaces += nics.size;
        for (const nic of nics) {
          const whole = rows.filter((row) => row.nic === nic && Date.parse(row.start) >= firstMinuteMs);
          expect(whole, `${vm} ${nic}`).toHaveLength(WHOLE_MINUTES);
          for (const row of whole) {
            expect(Math.abs(row.rx_bytes / RX_A_MINUTE - 1), `${vm} ${nic} ${row.start} rx ${row.rx_bytes}`).toBeLessThan(
              READING_BYTES,
            );
            expect(Math.abs(row.tx_bytes / TX_A_MINUTE - 1), `${vm} ${nic} ${row.start} tx ${row.tx_bytes}`).toBeLessThan(
              READING_BYTES,
            );
          }
        }
      }
      expect(interfaces).toBeGreaterThanOrEqual(3);
    },
    (WHOLE_MINUTES + 3) * MINUTE_MS,
  );
});
