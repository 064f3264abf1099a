/**
 * A Proxmox VE cluster as its programs tell of it: pvestatd takes a round of every node into a cache of 181 rounds, which the API gives out
 * (pve-manager, PVE/API2/Cluster/MetricServer.pm, PVE/PullMetric.pm), and makes lines for Influx of it (PVE/Status/InfluxDB.pm). Time is given.
 */
import { createServer as plainServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as securedServer } from 'node:https';
import type { AddressInfo } from 'node:net';

export const TOKEN = 'uptally@pve!meter=7f3a0c52-0000-4000-8000-0123456789ab';
const ROUNDS_KEPT = 181;

export interface Nic {
  rx: bigint;
  tx: bigint;
}

export interface Guest {
  readonly vmid: number;
  readonly kind: 'qemu' | 'lxc';
  node: string;
  /** null: off. */
  startedSecond: number | null;
  pid: number;
  readonly nics: Map<string, Nic>;
}

interface Point {
  readonly id: string;
  readonly metric: string;
  readonly timestamp: number;
  readonly type: 'gauge' | 'derive';
  readonly value: number | bigint;
}

interface Node {
  online: boolean;
  readonly startedSecond: number;
  rounds: Point[][];
}

export class ProxmoxCluster {
  readonly nodes = new Map<string, Node>();
  readonly guests = new Map<number, Guest>();
  #pid = 40_000;

  node(name: string, startedSecond = 0): void {
    this.nodes.set(name, { online: true, startedSecond, rounds: [] });
  }

  guest(vmid: number, node: string, startedSecond: number | null, nics = ['net0'], kind: Guest['kind'] = 'qemu'): Guest {
    const made: Guest = {
      vmid,
      kind,
      node,
      startedSecond,
      pid: this.#pid++,
      nics: new Map(nics.map((nic) => [nic, { rx: 0n, tx: 0n }])),
    };
    this.guests.set(vmid, made);
    return made;
  }

  /** Moves a running guest: on the other node it is another process with taps of its own. */
  migrate(vmid: number, node: string, atSecond: number): void {
    const guest = this.#of(vmid);
    guest.node = node;
    guest.startedSecond = atSecond;
    guest.pid = this.#pid++;
    for (const nic of guest.nics.values()) Object.assign(nic, { rx: 0n, tx: 0n });
  }

  stop(vmid: number): void {
    const guest = this.#of(vmid);
    guest.startedSecond = null;
    for (const nic of guest.nics.values()) Object.assign(nic, { rx: 0n, tx: 0n });
  }

  start(vmid: number, atSecond: number): void {
    Object.assign(this.#of(vmid), { startedSecond: atSecond, pid: this.#pid++ });
  }

  #of(vmid: number): Guest {
    const guest = this.guests.get(vmid);
    if (guest === undefined) throw new Error(`there is no guest ${vmid}`);
    return guest;
  }

  /** Bytes through a guest's interface, if it runs. */
  pass(vmid: number, rx: number, tx: number, nic = 'net0'): void {
    const counters = this.#of(vmid).nics.get(nic);
    if (counters === undefined || this.#of(vmid).startedSecond === null) return;
    counters.rx += BigInt(rx);
    counters.tx += BigInt(tx);
  }

  /** A round of pvestatd on every node that is there. */
  round(second: number): void {
    for (const [name, node] of this.nodes) {
      if (!node.online) continue;
      const gauge = (id: string, metric: string, value: number): Point => ({
        id,
        metric,
        timestamp: second,
        type: 'gauge',
        value,
      });
      const points: Point[] = [
        gauge(`node/${name}`, 'uptime', second - node.startedSecond),
        { ...gauge(`node/${name}`, 'net_in', 5_000_000), type: 'derive' },
        gauge(`node/${name}`, 'cpu_avg1', 0.42),
        gauge(`storage/${name}/local-zfs`, 'disk_used', 1),
      ];
      for (const guest of this.#on(name)) {
        const id = `${guest.kind}/${guest.vmid}`;
        const { rx, tx } = sumOf(guest);
        if (guest.startedSecond !== null) {
          points.push(gauge(id, 'cpu_current', 0.0133));
          points.push(
            { ...gauge(id, 'net_in', 0), type: 'derive', value: rx },
            { ...gauge(id, 'net_out', 0), type: 'derive', value: tx },
          );
        }
        points.push(
          gauge(id, 'uptime', guest.startedSecond === null ? 0 : second - guest.startedSecond),
          gauge(id, 'cpu_max', 2),
        );
      }
      node.rounds = [...node.rounds, points].slice(-ROUNDS_KEPT);
    }
  }

  *#on(node: string): Iterable<Guest> {
    for (const guest of this.guests.values()) if (guest.node === node) yield guest;
  }

  /** The answer of `export`, as text. */
  export(startSecond: number): string {
    const points = [...this.nodes.values()]
      .filter(({ online }) => online)
      .flatMap(({ rounds }) => rounds.flat())
      .filter(({ timestamp }) => timestamp > startSecond)
      .sort((a, b) => a.timestamp - b.timestamp);
    const texts = points.map(({ value, ...rest }) => `${JSON.stringify(rest).slice(0, -1)},"value":${value.toString()}}`);
    return `{"data":{"data":[${texts.join(',')}]}}`;
  }

  /** What a node's pvestatd writes for Influx in a round: of each guest a line of its sums, and one an interface (of qemu alone). */
  lines(node: string, second: number): string[] {
    const lines: string[] = [`cpustat,object=nodes,host=${node} avg1=0.42,cpus=8 ${second}000000000`];
    for (const guest of this.#on(node)) {
      const { vmid, kind, startedSecond, pid } = guest;
      const tags = `object=${kind},vmid=${vmid},nodename=${node},host=vm${vmid}`;
      const { rx, tx } = sumOf(guest);
      const status = startedSecond === null ? 'stopped' : 'running';
      const running = startedSecond === null ? '' : `pid=${pid},`;
      const uptime = startedSecond === null ? 0 : second - startedSecond;
      const qmp = kind === 'qemu' ? `qmpstatus="${status}",` : '';
      if (startedSecond !== null && kind === 'qemu')
        for (const [nic, counters] of guest.nics)
          lines.push(
            `nics,${tags},instance=tap${vmid}i${nic.slice(3)} netin=${counters.rx},netout=${counters.tx} ${second}000000000`,
          );
      lines.push(
        `system,${tags} cpus=2,name="vm${vmid}",netin=${rx},netout=${tx},${running}${qmp}status="${status}",uptime=${uptime} ${second}000000000`,
      );
    }
    return lines;
  }
}

function sumOf(guest: Guest): Nic {
  let [rx, tx] = [0n, 0n];
  for (const nic of guest.nics.values()) [rx, tx] = [rx + nic.rx, tx + nic.tx];
  return { rx, tx };
}

export interface ServedCluster {
  readonly url: string;
  /** What was asked for, in order: `start-time` of each request. */
  readonly asked: number[];
  close(): Promise<void>;
}

/** Serves a cluster's API on loopback, as one of its members does. @param tls key and certificate, PEM */
export async function serveCluster(
  cluster: ProxmoxCluster,
  tls?: { readonly key: string; readonly cert: string },
): Promise<ServedCluster> {
  const asked: number[] = [];
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const url = new URL(request.url ?? '/', 'http://member');
    if (request.headers.authorization !== `PVEAPIToken=${TOKEN}`) {
      response.writeHead(401).end();
      return;
    }
    if (url.pathname !== '/api2/json/cluster/metrics/export' || url.searchParams.get('history') !== '1') {
      response.writeHead(501).end();
      return;
    }
    const start = Number(url.searchParams.get('start-time'));
    asked.push(start);
    response.writeHead(200, { 'content-type': 'application/json;charset=UTF-8' }).end(cluster.export(start));
  };
  const server: Server = tls === undefined ? plainServer(answer) : securedServer(tls, answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}
