/**
 * What `GET /cluster/metrics/export` of Proxmox VE 8.2 and newer answers (pve-manager, PVE/PullMetric.pm): points with an id, a metric, a value and
 * the second in which they were taken. Half an hour of a large cluster is hundreds of megabytes, so points are read as they come, and what
 * is no guest's is dropped at once.
 */

/** A guest in one second, as its node saw it. */
export interface GuestPoint {
  /** `qemu/100`, `lxc/101`. */
  readonly id: string;
  readonly second: number;
  /** null: not told, for it was off, or too large to be exact. */
  rx: bigint | null;
  tx: bigint | null;
  /** Seconds; 0: it is off. */
  uptime: number | null;
}

export interface ExportRead {
  /** Oldest first. */
  readonly guests: readonly GuestPoint[];
  /** The newest second of each node that is in the answer. */
  readonly nodes: ReadonlyMap<string, number>;
}

/** An object of an answer is some 100 bytes. */
const OBJECT_CHARACTERS_MAX = 4096;
const GUEST = /^(?:qemu|lxc)\/\d{1,10}$/;
const COUNTER = /^\d{1,20}$/;
const COUNTER_END = 2n ** 64n;

/** The members of a flat object, values as they are written: a counter beyond 2^53 keeps its digits. */
const MEMBER = /"((?:[^"\\]|\\.)*)"\s*:\s*(?:"((?:[^"\\]|\\.)*)"|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|true|false|null)\s*(?:,|$)/y;

/** Takes an answer in pieces. Every method throws where it is no such answer. */
export class ExportReader {
  #rest = '';
  #begun = false;
  readonly #guests = new Map<string, GuestPoint>();
  readonly #nodes = new Map<string, number>();

  add(text: string): void {
    let pending = this.#rest + text;
    if (!this.#begun) {
      const head = /^\s*\{\s*"data"\s*:\s*(?:\{\s*"data"\s*:\s*)?\[/.exec(pending);
      if (head === null) {
        if (pending.length > OBJECT_CHARACTERS_MAX) throw new Error('the answer is no export of metrics');
        this.#rest = pending;
        return;
      }
      this.#begun = true;
      pending = pending.slice(head[0].length);
    }
    let at = 0;
    for (;;) {
      const end = pending.indexOf('}', at);
      if (end < 0) break;
      const start = pending.indexOf('{', at);
      // behind the last point only brackets follow, which `end` looks at
      if (start < 0 || start > end) break;
      this.#point(pending.slice(start + 1, end));
      at = end + 1;
    }
    this.#rest = pending.slice(at);
    if (this.#rest.length > OBJECT_CHARACTERS_MAX) throw new Error('the answer holds something that is no point');
  }

  /** All of it. */
  end(): ExportRead {
    if (!this.#begun || !/^\s*\]\s*\}/.test(this.#rest)) throw new Error('the answer ends in the middle');
    const guests = [...this.#guests.values()].sort((a, b) => a.second - b.second || (a.id < b.id ? -1 : 1));
    return { guests, nodes: this.#nodes };
  }

  #point(object: string): void {
    const members = membersOf(object.trim());
    const [id, metric, value, second] = [
      members.get('id'),
      members.get('metric'),
      members.get('value'),
      Number(members.get('timestamp')),
    ];
    if (id === undefined || metric === undefined || !Number.isSafeInteger(second) || second <= 0)
      throw new Error('the answer holds a point without id, metric or timestamp');
    if (id.startsWith('node/')) {
      const name = id.slice('node/'.length);
      this.#nodes.set(name, Math.max(this.#nodes.get(name) ?? 0, second));
      return;
    }
    if (!GUEST.test(id) || value === undefined) return;
    const key = `${id} ${second}`;
    const guest = this.#guests.get(key) ?? { id, second, rx: null, tx: null, uptime: null };
    if (metric === 'net_in') guest.rx = counterOf(value);
    else if (metric === 'net_out') guest.tx = counterOf(value);
    else if (metric === 'uptime') guest.uptime = Math.trunc(Number(value));
    else return;
    this.#guests.set(key, guest);
  }
}

function membersOf(object: string): ReadonlyMap<string, string> {
  const members = new Map<string, string>();
  for (MEMBER.lastIndex = 0; MEMBER.lastIndex < object.length;) {
    while (/\s/.test(object[MEMBER.lastIndex] ?? '')) MEMBER.lastIndex++;
    const found = MEMBER.exec(object);
    if (found === null) throw new Error('the answer holds something that is no point');
    const [, name = '', text, number] = found;
    const said = text ?? number;
    if (said !== undefined) members.set(name, said.replaceAll('\\/', '/'));
  }
  return members;
}

function counterOf(text: string): bigint | null {
  if (!COUNTER.test(text)) return null;
  const value = BigInt(text);
  return value < COUNTER_END ? value : null;
}
