import { InvalidArgumentError } from 'commander';

/** Readers of option values; each throws commander's error, which ends in exit code 2. */

const DURATION_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const SIZE_BYTES: Readonly<Record<string, number>> = {
  B: 1,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
};

/** `10s`, `1500ms`, `5m`, `2h` as milliseconds; a bare number counts seconds. */
export function parseDuration(text: string): number {
  const match = /^(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h|d)?$/.exec(text);
  const ms = Math.round(Number(match?.[1]) * (DURATION_MS[match?.[2] ?? 's'] ?? Number.NaN));
  if (!Number.isSafeInteger(ms) || ms <= 0) throw new InvalidArgumentError('write a time such as 10s, 1500ms or 5m.');
  return ms;
}

/** `256MiB`, `1GB`, `4096` as bytes. */
export function parseSize(text: string): number {
  const match = /^(\d{1,12})(B|KB|MB|GB|KiB|MiB|GiB)?$/.exec(text);
  const bytes = Number(match?.[1]) * (SIZE_BYTES[match?.[2] ?? 'B'] ?? Number.NaN);
  if (!Number.isSafeInteger(bytes) || bytes <= 0) throw new InvalidArgumentError('write a size such as 256MiB or 1GB.');
  return bytes;
}

/** `127.0.0.1:9180`, `[::1]:9180`, `:9180` (on the loopback). */
export function parseAddress(text: string): { readonly host: string; readonly port: number } {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:\s]*)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535) throw new InvalidArgumentError('write HOST:PORT, such as 127.0.0.1:9180.');
  const host = match[1] ?? match[2] ?? '';
  return { host: host === '' ? '127.0.0.1' : host, port };
}

/** Collects the values of an option that may be given several times. */
export function collect(text: string, earlier: readonly string[] | undefined): string[] {
  return [...(earlier ?? []), text];
}

/** A position, partition or the like: digits. */
export function parseCount(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('write a whole number.');
  return Number(text);
}
