/** Samples and options as short literals, for tables in tests. */
import type { ModelOptions } from './fleet.ts';
import type { LoggedSample } from '../../src/verify/model/inforce.ts';

/** 2026-03-01T00:00:00Z: literal instants count from here. */
export const T0_MS = Date.UTC(2026, 2, 1);

/** A sample of VM `v`, `atMs` after T0; with `bytes` it carries counters rx, tx. */
export function sample(
  atMs: number,
  { bytes, ...rest }: Partial<Omit<LoggedSample, 'tsMs' | 'counters'>> & { readonly bytes?: readonly [bigint, bigint] } = {},
): LoggedSample {
  const counters = bytes === undefined ? null : { rx: bytes[0], tx: bytes[1] };
  return { vm: 'v', nic: '', tsMs: T0_MS + atMs, counters, epoch: 0, condition: 'up', agent: 'a', ...rest };
}

/** The defaults of the product, with the watermark given directly, after T0; null: no clock seen. */
export function optionsAt(watermarkMs: number | null): ModelOptions {
  const clockMs = watermarkMs === null ? null : T0_MS + watermarkMs + 120_000;
  return { stalenessMs: 90_000, latenessMs: 120_000, clock: 'wall', clockMs, linkLimitBps: 100_000_000_000n };
}
