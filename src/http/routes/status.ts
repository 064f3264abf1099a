import { z } from 'zod';
import type { Status } from '../../aggregate/status.ts';
import { formatInstant } from '../../domain/instant.ts';
import { ProblemError } from '../../errors.ts';
import type { Api } from '../api.ts';
import { exactInteger, instantShape } from './shapes.ts';

export interface Readiness {
  ready: boolean;
  /** Why not, for people. */
  detail?: string;
}

/** What the rows are computed with; part of the status so that others can compute them again. */
export interface MeteringTerms {
  readonly stalenessMs: number;
  readonly latenessMs: number;
  /** Bits a second, either direction. */
  readonly linkLimitBps: bigint;
  /** 0: raw samples are kept for good. */
  readonly retentionDays: number;
  readonly clock: 'wall' | 'event';
}

const statusShape = z.object({
  log: z.object({ appended: exactInteger, aggregated: exactInteger, stored: exactInteger }),
  watermark: instantShape.nullable(),
  catalog: z
    .object({ recorded: exactInteger, applied: exactInteger })
    .describe('Entries of the catalog, and those that the stored minute rows are priced by'),
  vms: z.int(),
  samples: z.object({
    accepted: exactInteger,
    applied: exactInteger.describe('Distinct raw samples'),
    duplicate: exactInteger,
    conflict: exactInteger,
    late: exactInteger,
    quarantined: exactInteger,
    rejected: z.record(z.string(), exactInteger),
  }),
  terms: z
    .object({
      staleness_ms: z.int(),
      lateness_ms: z.int(),
      link_limit_bps: exactInteger,
      retention_days: z.int().describe('How long raw samples are kept; 0: for good.'),
      clock: z.enum(['wall', 'event']),
    })
    .describe('What the rows are computed with.'),
});

/** How far everything has come, and whether the process lives and is ready. */
export function statusRoutes(
  api: Api,
  status: () => Status | Promise<Status>,
  ready: () => Readiness | Promise<Readiness>,
  terms: MeteringTerms,
): void {
  const shownTerms = {
    staleness_ms: terms.stalenessMs,
    lateness_ms: terms.latenessMs,
    link_limit_bps: terms.linkLimitBps,
    retention_days: terms.retentionDays,
    clock: terms.clock,
  };
  api.route(
    {
      method: 'GET',
      path: '/v1/status',
      tag: 'service',
      summary: 'How far the log has been aggregated and stored, and what became of the samples',
      description: 'Counted since the log began. When appended, aggregated and stored are equal, everything posted is queryable.',
      roles: ['agent', 'billing', 'admin'],
      answers: { 200: { description: 'The status', schema: statusShape } },
      problems: [],
    },
    async () => {
      const { log, watermarkMs, catalog, vms, samples } = await status();
      const watermark = watermarkMs === null ? null : formatInstant(watermarkMs);
      return { log, watermark, catalog, vms, samples, terms: shownTerms };
    },
  );
  api.route(
    {
      method: 'GET',
      path: '/livez',
      tag: 'service',
      summary: 'The process answers',
      roles: null,
      answers: { 200: { description: 'It does', schema: z.object({ status: z.literal('live') }) } },
      problems: [],
    },
    () => Promise.resolve({ status: 'live' }),
  );
  api.route(
    {
      method: 'GET',
      path: '/readyz',
      tag: 'service',
      summary: 'The process can take its work',
      roles: null,
      answers: { 200: { description: 'It can', schema: z.object({ status: z.literal('ready') }) } },
      problems: ['not_ready'],
    },
    async () => {
      const readiness = await ready();
      if (!readiness.ready)
        throw new ProblemError('not_ready', readiness.detail ?? 'the server is starting', {}, { 'retry-after': '1' });
      return { status: 'ready' };
    },
  );
}
