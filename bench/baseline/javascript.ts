/**
 * The competitor: the same minute rows in plain JavaScript, as fast as we could make it. V8's JSON.parse on a whole body made an array, one
 * Map from VM to a number, everything else in typed arrays by that number, rows into growing typed columns. It does less than the
 * kernel: numbers are doubles (exact below 2⁵³ only), names are not checked, no outages, no silence, no credit, no raw-sample rows.
 */
import type { MinuteRows } from '../rows.ts';

interface Line {
  readonly vm: string;
  readonly ts: number;
  readonly nic?: string;
  readonly rx_bytes?: number;
  readonly tx_bytes?: number;
}

const MINUTE_MS = 60_000;
const STALENESS_MS = 90_000;

/** Columns of doubles that grow by doubling. */
class Columns {
  private data: Float64Array;
  private readonly width: number;
  private used = 0;

  constructor(width: number) {
    this.width = width;
    this.data = new Float64Array(width * 65_536);
  }

  push(a: number, b: number, c: number, d: number): void {
    if (this.used + this.width > this.data.length) {
      const larger = new Float64Array(this.data.length * 2);
      larger.set(this.data);
      this.data = larger;
    }
    const { data, used } = this;
    data[used] = a;
    data[used + 1] = b;
    data[used + 2] = c;
    if (this.width === 4) data[used + 3] = d;
    this.used = used + this.width;
  }

  *rows(): Generator<readonly number[]> {
    for (let at = 0; at < this.used; at += this.width) yield Array.from(this.data.subarray(at, at + this.width));
  }
}

export class JavaScriptAggregator {
  private readonly vms = new Map<string, number>();
  private readonly vmNames: string[] = [];
  private readonly otherNics = new Map<string, number>();
  private readonly nicNames: string[] = [];
  private readonly nicVm: number[] = [];
  private readonly firstNic: Int32Array;
  private readonly lastTs: Float64Array;
  private readonly minute: Float64Array;
  private readonly upMs: Float64Array;
  private readonly baseTs: Float64Array;
  private readonly baseRx: Float64Array;
  private readonly baseTx: Float64Array;
  private readonly sumMinute: Float64Array;
  private readonly sumRx: Float64Array;
  private readonly sumTx: Float64Array;
  private readonly uptime = new Columns(3);
  private readonly traffic = new Columns(4);

  /** @param capacity VMs, and as many interfaces */
  constructor(capacity: number) {
    this.firstNic = new Int32Array(capacity).fill(-1);
    this.lastTs = new Float64Array(capacity).fill(-1);
    this.minute = new Float64Array(capacity);
    this.upMs = new Float64Array(capacity);
    this.baseTs = new Float64Array(capacity).fill(-1);
    this.baseRx = new Float64Array(capacity);
    this.baseTx = new Float64Array(capacity);
    this.sumMinute = new Float64Array(capacity);
    this.sumRx = new Float64Array(capacity);
    this.sumTx = new Float64Array(capacity);
  }

  /** Takes in a body of lines; how many samples it held. */
  take(body: Buffer, parse: (body: Buffer) => readonly Line[] = parseJoined): number {
    const lines = parse(body);
    for (const line of lines) this.sample(line);
    return lines.length;
  }

  /** Everything written so far. */
  rows(): MinuteRows {
    const uptime = Array.from(this.uptime.rows(), ([vm = 0, minute = 0, upMs = 0]) => `${this.vmNames[vm]} ${minute} ${upMs}`);
    const traffic = Array.from(
      this.traffic.rows(),
      ([nic = 0, minute = 0, rx = 0, tx = 0]) =>
        `${this.vmNames[this.nicVm[nic] ?? 0]} ${this.nicNames[nic]} ${minute} ${rx} ${tx}`,
    );
    return { uptime, traffic };
  }

  private sample(line: Line): void {
    const { vm: name, ts } = line;
    if (typeof name !== 'string' || typeof ts !== 'number') throw new TypeError('a sample has a vm and a ts');
    let vm = this.vms.get(name);
    if (vm === undefined) {
      vm = this.vmNames.length;
      this.vms.set(name, vm);
      this.vmNames.push(name);
    }
    const last = this.lastTs[vm] ?? 0;
    if (last < 0) {
      this.minute[vm] = Math.floor(ts / MINUTE_MS);
    } else if (ts <= last) {
      return; // a repeat: in this contest there are none
    } else {
      this.addUp(vm, last, Math.min(ts, last + STALENESS_MS));
    }
    this.lastTs[vm] = ts;
    const { rx_bytes: rx, tx_bytes: tx } = line;
    if (rx === undefined || tx === undefined) return;
    const nic = this.nicOf(vm, name, line.nic ?? '');
    const base = this.baseTs[nic] ?? 0;
    if (base >= 0) {
      const moreRx = rx - (this.baseRx[nic] ?? 0);
      const moreTx = tx - (this.baseTx[nic] ?? 0);
      if (moreRx < 0 || moreTx < 0) this.addTraffic(nic, base, ts, rx, tx);
      else this.addTraffic(nic, base, ts, moreRx, moreTx);
    }
    this.baseTs[nic] = ts;
    this.baseRx[nic] = rx;
    this.baseTx[nic] = tx;
  }

  private nicOf(vm: number, vmName: string, name: string): number {
    const first = this.firstNic[vm] ?? -1;
    if (first >= 0 && this.nicNames[first] === name) return first;
    const key = `${vmName} ${name}`;
    let nic = this.otherNics.get(key);
    if (nic === undefined) {
      nic = this.nicNames.length;
      this.nicNames.push(name);
      this.nicVm.push(vm);
      this.otherNics.set(key, nic);
      if (first < 0) this.firstNic[vm] = nic;
    }
    return nic;
  }

  private addUp(vm: number, from: number, to: number): void {
    let minute = this.minute[vm] ?? 0;
    let end = (minute + 1) * MINUTE_MS;
    if (to < end) {
      this.upMs[vm] = (this.upMs[vm] ?? 0) + (to - from);
      return;
    }
    let up = this.upMs[vm] ?? 0;
    while (to >= end) {
      this.uptime.push(vm, minute, up + (end - from), 0);
      up = 0;
      from = end;
      minute++;
      end += MINUTE_MS;
    }
    this.upMs[vm] = to - from;
    this.minute[vm] = minute;
  }

  private addTraffic(nic: number, from: number, to: number, rx: number, tx: number): void {
    let minute = Math.floor(from / MINUTE_MS);
    if (minute !== this.sumMinute[nic]) {
      this.sumMinute[nic] = minute;
      this.sumRx[nic] = 0;
      this.sumTx[nic] = 0;
    }
    let end = (minute + 1) * MINUTE_MS;
    let givenRx = 0;
    let givenTx = 0;
    while (to >= end) {
      // exact while increase × time stays below 2⁵³, as it does here: beyond that this would need BigInt
      const reachedRx = Math.floor((rx * (end - from)) / (to - from));
      const reachedTx = Math.floor((tx * (end - from)) / (to - from));
      const minuteRx = (this.sumRx[nic] ?? 0) + reachedRx - givenRx;
      const minuteTx = (this.sumTx[nic] ?? 0) + reachedTx - givenTx;
      if (minuteRx !== 0 || minuteTx !== 0) this.traffic.push(nic, minute, minuteRx, minuteTx);
      this.sumRx[nic] = 0;
      this.sumTx[nic] = 0;
      givenRx = reachedRx;
      givenTx = reachedTx;
      minute++;
      end += MINUTE_MS;
    }
    this.sumMinute[nic] = minute;
    this.sumRx[nic] = (this.sumRx[nic] ?? 0) + rx - givenRx;
    this.sumTx[nic] = (this.sumTx[nic] ?? 0) + tx - givenTx;
  }
}

/** One JSON.parse for a whole body: every line feed but the last becomes a comma. */
export function parseJoined(body: Buffer): readonly Line[] {
  return JSON.parse(`[${body.toString('latin1', 0, body.length - 1).replaceAll('\n', ',')}]`) as Line[];
}

/** One JSON.parse a line. */
export function parseByLine(body: Buffer): readonly Line[] {
  const text = body.toString('latin1', 0, body.length);
  const lines: Line[] = [];
  let from = 0;
  while (from < text.length) {
    const end = text.indexOf('\n', from);
    lines.push(JSON.parse(text.slice(from, end)) as Line);
    from = end + 1;
  }
  return lines;
}
