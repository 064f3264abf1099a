/** The members of a Proxmox VE cluster over HTTPS: whom to ask, with what token, and how to know that it is them. */
import { request } from 'node:http';
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { type ExportRead, ExportReader } from './proxmox-points.ts';

export interface MemberOptions {
  /** `https://pve1.example.net:8006`; one is asked at a time, the next when it does not answer: each has the points of the whole cluster. */
  readonly urls: readonly string[];
  /** `USER@REALM!NAME=SECRET`; Sys.Audit on `/` is all that it needs. */
  readonly token: string;
  /** SHA-256 fingerprints of the members' certificates, as Proxmox shows them. Instead of any authority. */
  readonly fingerprints?: readonly string[];
  /** Certificates of authorities, PEM, instead of those that the system trusts. */
  readonly ca?: string;
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 20_000;
/** Half an hour of a thousand guests is some 200 MB. */
const ANSWER_BYTES_MAX = 2 * 1024 * 1024 * 1024;

/** Reads a fingerprint as Proxmox writes it, or without its colons. Throws with a sentence for the user. */
export function parseFingerprint(text: string): string {
  const digits = text.replaceAll(':', '').toUpperCase();
  if (!/^[0-9A-F]{64}$/.test(digits))
    throw new Error(`"${text}" is no SHA-256 fingerprint; it has 64 digits: see the node's Certificates in Proxmox VE`);
  return digits;
}

/** Reads a token as Proxmox gives it. Throws with a sentence for the user, which does not hold what was given. */
export function parseToken(text: string): string {
  const token = text.trim();
  if (!/^[\x21-\x7e]+@[\x21-\x7e]+![\x21-\x7e]+=[\x21-\x7e]+$/.test(token))
    throw new Error('the token is to be USER@REALM!NAME=SECRET, on one line');
  return token;
}

/** Reads a member's address: https, or plain http on the loopback. Throws with a sentence for the user. */
export function parseMember(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  const isHere = url !== null && /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(url.hostname);
  if (url === null || !(url.protocol === 'https:' || (url.protocol === 'http:' && isHere)))
    throw new Error(`"${text}" is no member's address; write https://HOST:8006 (the token would go in the clear over http)`);
  return url.origin;
}

export class ProxmoxMembers {
  readonly #options: MemberOptions;
  /** The one that answered last. */
  #first = 0;

  constructor(options: MemberOptions) {
    this.#options = options;
  }

  /** Points later than a second, of all members that are there. Throws when none of the members answers, with what each said. */
  async points(afterSecond: number, signal?: AbortSignal): Promise<ExportRead> {
    const { urls } = this.#options;
    const failures: string[] = [];
    for (let i = 0; i < urls.length; i++) {
      const place = (this.#first + i) % urls.length;
      const url = urls[place] ?? '';
      try {
        const read = await this.#ask(url, afterSecond, signal);
        this.#first = place;
        return read;
      } catch (error) {
        if (signal?.aborted === true) throw error;
        failures.push(`${url}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
    throw new Error(failures.join('; '));
  }

  async #ask(origin: string, afterSecond: number, given?: AbortSignal): Promise<ExportRead> {
    const { token, ca, fingerprints = [], timeoutMs = TIMEOUT_MS } = this.#options;
    const url = new URL(`${origin}/api2/json/cluster/metrics/export?history=1&start-time=${afterSecond}`);
    const timeout = AbortSignal.timeout(timeoutMs);
    const signal = given === undefined ? timeout : AbortSignal.any([timeout, given]);
    const headers = { authorization: `PVEAPIToken=${token}`, accept: 'application/json' };
    const { hostname, port } = url;
    const host = hostname.replace(/^\[|\]$/g, '');
    const socket =
      url.protocol === 'https:' ? await secured({ host, port: Number(port || 443), ca }, fingerprints, signal) : undefined;
    try {
      return await new Promise<ExportRead>((resolve, reject) => {
        const reader = new ExportReader();
        const fail = (error: unknown): void => {
          reject(timeout.aborted ? new Error(`no answer within ${timeoutMs / 1000} s`) : asError(error));
        };
        // plain requests over a connection that has shown who it is: nothing is sent before that
        const options = {
          ...{ hostname: host, port, path: `${url.pathname}${url.search}`, headers, signal },
          ...(socket === undefined ? {} : { createConnection: () => socket }),
        };
        const asked = request(options, (answer) => {
          let bytes = 0;
          if (answer.statusCode !== 200) {
            answer.resume();
            fail(new Error(reasonOf(answer.statusCode ?? 0)));
            return;
          }
          answer.setEncoding('utf8');
          answer.on('data', (text: string) => {
            bytes += text.length;
            try {
              if (bytes > ANSWER_BYTES_MAX) throw new Error('the answer is larger than any that is read');
              reader.add(text);
            } catch (error) {
              fail(error);
              asked.destroy();
            }
          });
          answer.on('error', fail);
          answer.on('end', () => {
            try {
              resolve(reader.end());
            } catch (error) {
              fail(error);
            }
          });
        });
        asked.on('error', fail);
        asked.end();
      });
    } finally {
      socket?.destroy();
    }
  }
}

/** A connection whose other end is who it should be. With fingerprints nothing else counts: neither names, nor authorities, nor dates. */
function secured(
  { host, port, ca }: { readonly host: string; readonly port: number; readonly ca: string | undefined },
  fingerprints: readonly string[],
  signal: AbortSignal,
): Promise<TLSSocket> {
  const isPinned = fingerprints.length > 0;
  const isName = !/^[\d.]+$|:/.test(host);
  const options: ConnectionOptions = {
    ...{ host, port, rejectUnauthorized: !isPinned, minVersion: 'TLSv1.2' },
    ...(isName ? { servername: host } : {}),
    ...(ca === undefined ? {} : { ca }),
  };
  return new Promise((resolve, reject) => {
    const socket = connect(options);
    const abort = (): void => {
      socket.destroy();
      reject(new Error('no answer in time'));
    };
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    socket.once('error', reject);
    socket.once('secureConnect', () => {
      signal.removeEventListener('abort', abort);
      const shown = socket.getPeerCertificate().fingerprint256.replaceAll(':', '').toUpperCase();
      if (!isPinned || fingerprints.includes(shown)) {
        resolve(socket);
        return;
      }
      socket.destroy();
      reject(new Error(`its certificate has the fingerprint ${shown}, which is none of those given`));
    });
  });
}

function reasonOf(status: number): string {
  if (status === 401) return '401: the token is not known there';
  if (status === 403) return '403: the token needs Sys.Audit on /, and so does its user';
  if (status === 501 || status === 404 || status === 400)
    return `${status}: it cannot export metrics: that begins with Proxmox VE 8.2`;
  return `it answered ${status}`;
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
