/** Random fleets as two Prometheus scrape them, with migrations that both hosts tell of, and the samples that they come to. */
import { below, pick, type Random, randomOf, shuffled } from './random.ts';
import { packed, type SentSeries, version1, version2 } from './remote-write.ts';
import { T0 } from './replica-pair.ts';
import { agentKey, postLines, sendJson, type TestServer } from './server.ts';

const SCRAPES = 40;
const EVERY_MS = 15_000;
const HOSTS = ['hv1:9177', 'hv2:9177', 'hv3:9177'];
const NIC = 'vnet0';
/** As the preset has it. */
const HOLD_S = 90;

interface Point {
  readonly vm: string;
  readonly host: string;
  readonly what: 'rx' | 'tx' | 'state';
  readonly value: number;
  readonly atMs: number;
}

export interface ScrapedFleet {
  readonly vms: readonly string[];
  /** In the order of their instants. */
  readonly points: readonly Point[];
}

export function scrapedFleet(seed: number, size = 5): ScrapedFleet {
  const random = randomOf(seed);
  const vms = Array.from({ length: size }, (_, i) => `vm-${seed}-${i}`);
  const points = vms.flatMap((vm) => lifeOf(random, vm)).sort((a, b) => a.atMs - b.atMs);
  return { vms, points };
}

/** One VM: it is carried from host to host, and for some scrapes both tell of it. A counter begins anew on each host, and stays there when it is left. */
function lifeOf(random: Random, vm: string): Point[] {
  const counters = new Map<string, [rx: number, tx: number]>();
  let host = pick(random, HOSTS);
  let left: { host: string; scrapes: number } | undefined;
  const points: Point[] = [];
  for (let i = 0; i < SCRAPES; i++) {
    if (random() < 0.1) {
      left = { host, scrapes: 1 + below(random, 3) };
      host = pick(
        random,
        HOSTS.filter((each) => each !== host),
      );
    }
    const [rx, tx] = counters.get(host) ?? [0, 0];
    counters.set(host, [rx + below(random, 1e9), tx + below(random, 1e8)]);
    const atMs = T0 + i * EVERY_MS;
    // a scrape that fails
    if (random() < 0.05) continue;
    for (const at of left === undefined ? [host] : [host, left.host]) {
      const [received, sent] = counters.get(at) ?? [0, 0];
      const code = at === host ? 1 : 5;
      points.push(
        ...[
          { vm, host: at, what: 'rx' as const, value: received, atMs },
          { vm, host: at, what: 'tx' as const, value: sent, atMs },
        ],
        { vm, host: at, what: 'state', value: code, atMs },
      );
    }
    if (left !== undefined && --left.scrapes <= 0) left = undefined;
  }
  return points;
}

const NAMES = {
  rx: 'libvirt_domain_interface_stats_receive_bytes_total',
  tx: 'libvirt_domain_interface_stats_transmit_bytes_total',
  state: 'libvirt_domain_state_code',
};

function seriesOf({ vm, host, what, value, atMs }: Point, replica: string, besideMs: number): SentSeries {
  const nic = what === 'state' ? {} : { target_device: NIC };
  const labels = { __name__: NAMES[what], uuid: vm, instance: host, cluster: 'rack', __replica__: replica, ...nic };
  return { labels, samples: [[value, atMs + besideMs]] };
}

async function clockOn(server: TestServer, key: string): Promise<void> {
  const answer = await postLines(server, key, [`{"vm":"clock","ts":${T0 + 60 * 60_000}}`]);
  if (answer.status !== 202) throw new Error(answer.text);
}

/** Posts what the first replica scraped, as samples of ours, in their order. */
export async function postAsSamples(server: TestServer, { points }: ScrapedFleet): Promise<void> {
  const { key } = await agentKey(server, 'fleet', ['*']);
  const lines = points.flatMap(({ vm, host, what, value, atMs }) => {
    if (what === 'state') return value === 1 ? [{ vm, ts: atMs, state: 'up', hold_s: HOLD_S }] : [];
    return [{ vm, ts: atMs, nic: NIC, host, [`${what}_bytes`]: value, state: 'none', hold_s: HOLD_S }];
  });
  const answer = await postLines(
    server,
    key,
    lines.map((each) => JSON.stringify(each)),
  );
  if (answer.status !== 202 || !answer.text.includes('"rejected":0')) throw new Error(answer.text);
  await clockOn(server, key);
}

/** Posts what both replicas scraped: cut anywhere, in any order, some of it twice, in either version of remote write, to any of the doors. */
export async function postAsScraped(
  { front, doors }: { readonly front: TestServer; readonly doors: readonly TestServer[] },
  { points }: ScrapedFleet,
  seed: number,
): Promise<void> {
  const random = randomOf(seed);
  const { key } = await agentKey(front, 'fleet', ['*']);
  const replica = { cluster: 'cluster', replica: '__replica__', failover_s: 3600 };
  await sendJson(front, 'PUT', '/v1/sources/fleet', { preset: 'libvirt-exporter', replica });
  const post = async (series: readonly SentSeries[]): Promise<void> => {
    const version = pick(random, [1, 2]);
    const type = version === 1 ? 'application/x-protobuf' : 'application/x-protobuf;proto=io.prometheus.write.v2.Request';
    const body = packed(version === 1 ? version1(series) : version2(series));
    for (let patience = 200; patience > 0; patience--) {
      const answer = await pick(random, doors).call('/v1/receive/prometheus/fleet', {
        ...{ method: 'POST', key: null, body },
        headers: { authorization: `Bearer ${key}`, 'content-type': type, 'content-encoding': 'snappy' },
      });
      if (answer.status === 204) return;
      // a door that has not heard of the source yet, or of who is heard
      if (answer.status !== 404 && answer.status !== 503) throw new Error(`${answer.status} ${answer.text}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error('refused for too long');
  };
  const [first, ...rest] = points.map((point) => seriesOf(point, 'a', 0));
  if (first === undefined) throw new Error('an empty fleet');
  // who speaks first is heard
  await post([first]);
  const others = points.map((point) => seriesOf({ ...point, value: point.what === 'state' ? 6 : point.value + 7 }, 'b', 4_000));
  const all = shuffled(random, [first, ...rest, ...others, ...rest.filter(() => random() < 0.2)]);
  while (all.length > 0) await post(all.splice(0, 1 + below(random, 60)));
  await clockOn(front, key);
}
