/** Lines that come in datagrams, as Proxmox VE's metric server sends them unless told otherwise: gathered, and kept together. */
import { createSocket } from 'node:dgram';

export interface LinesOptions {
  readonly listen: { readonly host: string; readonly port: number };
  /** Resolves when the lines are on disk. */
  readonly keep: (lines: Buffer) => Promise<void>;
  readonly log: (message: string, fields: Readonly<Record<string, unknown>>) => void;
}

export interface LinesDoor {
  readonly port: number;
  /** Datagrams that came, and of those the ones that ended in the middle of a line: what stood there is gone. */
  readonly counts: { readonly datagrams: number; readonly cut: number; readonly lost: number };
  close(): Promise<void>;
}

const GATHERED_BYTES_MAX = 1024 * 1024;
/** Of what waits for the disk. */
const WAITING_BYTES_MAX = 32 * 1024 * 1024;
const GATHER_MS = 500;
const RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024;
const LINE_FEED = 0x0a;

/**
 * The whole lines of a datagram. What stands behind the last line feed is no line: a number that was cut is a smaller number, and
 * would be believed.
 */
export function wholeLines(datagram: Buffer): Buffer {
  return datagram.subarray(0, datagram.lastIndexOf(LINE_FEED) + 1);
}

/** Listens. Rejects when the address can't be had. */
export async function openLines({ listen, keep, log }: LinesOptions): Promise<LinesDoor> {
  const socket = createSocket(listen.host.includes(':') ? 'udp6' : 'udp4');
  const counts = { datagrams: 0, cut: 0, lost: 0 };
  let gathered: Buffer[] = [];
  let bytes = 0;
  let waiting = 0;
  let timer: NodeJS.Timeout | undefined;
  let kept: Promise<void> = Promise.resolve();
  const flush = (): void => {
    clearTimeout(timer);
    timer = undefined;
    if (bytes === 0) return;
    const lines = Buffer.concat(gathered);
    [gathered, bytes] = [[], 0];
    waiting += lines.length;
    kept = kept
      .then(() => keep(lines))
      .catch((error: unknown) => {
        log('lines could not be kept, and are lost', { bytes: lines.length, error: String(error) });
      })
      .finally(() => {
        waiting -= lines.length;
      });
  };
  socket.on('message', (datagram) => {
    counts.datagrams += 1;
    const lines = wholeLines(datagram);
    if (lines.length < datagram.length) {
      counts.cut += 1;
      if (counts.cut === 1) log('a datagram ends in the middle of a line, which does not count', { bytes: datagram.length });
    }
    if (waiting + bytes + lines.length > WAITING_BYTES_MAX) {
      counts.lost += 1;
      return;
    }
    gathered.push(lines);
    bytes += lines.length;
    if (bytes >= GATHERED_BYTES_MAX) flush();
    else timer ??= setTimeout(flush, GATHER_MS);
  });
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.bind(listen.port, listen.host, resolve);
  });
  socket.on('error', (error) => {
    log('datagrams cannot be received', { error: error.message });
  });
  try {
    socket.setRecvBufferSize(RECEIVE_BUFFER_BYTES);
  } catch {
    // the system allows less
  }
  return {
    port: socket.address().port,
    counts,
    async close() {
      await new Promise<void>((resolve) => {
        socket.close(() => {
          resolve();
        });
      });
      flush();
      await kept;
    },
  };
}
