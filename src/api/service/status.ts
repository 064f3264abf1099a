import { z } from 'zod';
import { NOTHING_FORGOTTEN } from '../../aggregate/forgotten.ts';
import type { PartitionStatus, MeteringStatus } from '../../aggregate/metering-status.ts';
import { formatInstant } from '../../domain/instant.ts';
import { ProblemError } from '../../problems/problem.ts';
import type { LogGap } from '../../store/named-log.ts';
import type { Api } from '../../http/api.ts';
import type { HeldSources } from '../../sources/held-sources.ts';
import { countsJson, countsShape } from '../shared/source-counts.ts';
import { exactInteger, instantShape } from '../shared/shapes.ts';

export interface Readiness {
  /** All that the process does. */
  ready: boolean;
  /** Why not, for people. */
  detail?: string;
  /** Whether samples are taken and questions answered: 'ok', 'elsewhere' where other processes do so, or why not. */
  samples?: string;
  questions?: string;
}

/** What the rows are computed with; part of the status so that others can compute them again. */
export interface ShownConstants {
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
  log_id: z.string().optional().describe('The id of the log that the stored rows come from.'),
  log_state: z
    .string()
    .optional()
    .describe(
      'running, log_corrupt (a record or message cannot be read) or log_mismatch (the topic is not the log, or not all of it): then the operator has to see to it.',
    ),
  log_detail: z.string().optional().describe('Why the log is not running.'),
  gaps: z
    .array(
      z.object({
        log_id: z.string(),
        partition: z.int(),
        kind: z
          .string()
          .describe('log (one that was lost), record or message (one that could not be read), positions (a range).'),
        from: z.int().describe('The first position that is missing.'),
        until: z.int().nullable().describe('The first position after it; null: not known.'),
        samples: exactInteger.nullable().describe('Answered samples that were given up; null: not known how many.'),
        why: z.string(),
        who: z.string(),
        recorded_at: instantShape,
      }),
    )
    .optional()
    .describe('What operators accepted as lost between what was answered and what is stored, for ever.'),
  watermark: instantShape.nullable(),
  catalog: z
    .object({ recorded: exactInteger, applied: exactInteger })
    .describe('Entries of the catalog, and those that the stored minute rows are priced by'),
  vms: z.int(),
  forgotten: z
    .object({ vms: z.int(), expired: z.boolean() })
    .describe(
      'Names that were forgotten, since ever. `expired`: raw samples of some had expired before, and are not in the count of samples.',
    ),
  waiting: z
    .object({ vms: z.int(), minutes: z.int(), samples: z.int() })
    .describe(
      'VMs whose rows are not yet what their samples amount to: samples came long after others, or far from them, and their minutes are written bit by bit. The samples are durable, and not counted as stored.',
    ),
  samples: z.object({
    accepted: exactInteger,
    applied: exactInteger.describe('Distinct raw samples'),
    duplicate: exactInteger,
    conflict: exactInteger,
    late: exactInteger,
    quarantined: exactInteger,
    forgotten: exactInteger.describe(
      'Raw samples of names that an admin had forgotten, those among them that a conflict had replaced: accepted = applied + duplicate + conflict + forgotten.',
    ),
    rejected: z.record(z.string(), exactInteger),
  }),
  sources: z
    .record(z.string(), countsShape)
    .describe('What became of what each source sent. Doors in processes of their own say it on their `/metrics`.'),
  partitions: z
    .array(
      z.object({
        partition: z.int(),
        log: z.object({ appended: exactInteger, aggregated: exactInteger, stored: exactInteger }),
        messages: z
          .object({ appended: z.int(), stored: z.int(), lag: z.int() })
          .describe('Messages of the log, ticks among them.'),
        watermark: instantShape.nullable(),
        checkpoint_age_ms: z.int().nullable().describe('Since the state was last saved; null before the first time.'),
        state: z
          .string()
          .describe(
            'running, capacity_full (raise UPTALLY_MAX_VMS or UPTALLY_MAX_NICS), log_corrupt (a message cannot be read) or log_mismatch (the topic is not the log that the rows come from, or not all of it).',
          ),
        instance: z.string().describe('The process that stored the last step.'),
      }),
    )
    .optional()
    .describe('Of a Kafka log.'),
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

/** How far everything has come. */
export function statusRoute(
  api: Api,
  status: () => MeteringStatus | Promise<MeteringStatus>,
  constants: ShownConstants,
  sources: HeldSources,
): void {
  const shownConstants = {
    staleness_ms: constants.stalenessMs,
    lateness_ms: constants.latenessMs,
    link_limit_bps: constants.linkLimitBps,
    retention_days: constants.retentionDays,
    clock: constants.clock,
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
      const { log, logId, halted, gaps, watermarkMs, catalog, vms, waiting, partitions, ...counted } = await status();
      const { vms: names, expired, samples: gone } = counted.forgotten ?? NOTHING_FORGOTTEN;
      const { rejected, ...kept } = counted.samples;
      const samples = { ...kept, forgotten: gone, rejected };
      const shown = {
        ...(logId === undefined ? {} : { log_id: logId, log_state: halted?.state ?? 'running' }),
        ...(halted === undefined ? {} : { log_detail: halted.detail }),
        ...(gaps === undefined ? {} : { gaps: gaps.map(shownGap) }),
        ...(partitions === undefined ? {} : { partitions: partitions.map(shownPartition) }),
      };
      return {
        log,
        watermark: instantOf(watermarkMs),
        catalog,
        vms,
        forgotten: { vms: names, expired },
        waiting,
        samples,
        sources: Object.fromEntries(sources.ids().map((id) => [id, countsJson(sources.countsOf(id))])),
        ...shown,
        terms: shownConstants,
      };
    },
  );
}

function shownGap({ logId, recordedMs, ...gap }: LogGap): object {
  return { log_id: logId, ...gap, recorded_at: formatInstant(recordedMs) };
}

function instantOf(ms: number | null): string | null {
  return ms === null ? null : formatInstant(ms);
}

function shownPartition({ partition, log, messages, watermarkMs, checkpointAgeMs, state, instance }: PartitionStatus): object {
  return {
    partition,
    log,
    messages: { ...messages, lag: messages.appended - messages.stored },
    watermark: instantOf(watermarkMs),
    checkpoint_age_ms: checkpointAgeMs,
    state,
    instance,
  };
}

/** Whether the process lives and is ready. */
export function healthRoutes(api: Api, ready: () => Readiness | Promise<Readiness>): void {
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
      summary: 'The process can take its work: all of it, or what `for` names',
      description:
        'Ask with for=samples where samples are sent to, and with for=questions where the API is called: samples are taken while ClickHouse is away, and questions answered while the log is. `samples` and `questions` are ok, elsewhere (other processes do so), or why not.',
      roles: null,
      query: z.object({ for: z.enum(['samples', 'questions']).optional() }),
      answers: {
        200: {
          description: 'It can',
          schema: z.object({ status: z.literal('ready'), ready: z.boolean(), samples: z.string(), questions: z.string() }),
        },
      },
      problems: ['invalid_parameter', 'not_ready'],
    },
    async ({ query }) => {
      const { ready: all, detail = 'the server is starting', samples, questions } = await ready();
      const words = { samples: samples ?? (all ? 'ok' : detail), questions: questions ?? (all ? 'ok' : detail) };
      const why = query.for === undefined ? (all ? 'ok' : detail) : words[query.for];
      if (why !== 'ok') {
        const told = why === 'elsewhere' ? 'other processes do that' : why;
        throw new ProblemError('not_ready', told, { ready: all, ...words });
      }
      return { status: 'ready', ready: all, ...words };
    },
  );
}
