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

const statusShape = z.object({
  log: z.object({ appended: exactInteger, aggregated: exactInteger, stored: exactInteger }),
  watermark: instantShape.nullable(),
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
});

/** How far everything has come, and whether the process lives and is ready. */
export function statusRoutes(
  api: Api,
  status: () => Status | Promise<Status>,
  ready: () => Readiness | Promise<Readiness>,
): void {
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
      const { log, watermarkMs, vms, samples } = await status();
      return { log, watermark: watermarkMs === null ? null : formatInstant(watermarkMs), vms, samples };
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
