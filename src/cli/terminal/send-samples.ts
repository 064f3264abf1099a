import { BATCH_BYTES_MAX, BATCH_SAMPLES_MAX, compress } from '../../agent/batch.ts';
import type { ApiClient, PostOutcome, Receipt } from '../../client/wire/client.ts';
import { UNAVAILABLE_POLICY, waitMs } from '../../client/wire/retry.ts';
import { CommandFailure, type CliContext } from './context.ts';
import { lineBatches, type LineBatch } from './line-batches.ts';
import type { SendCounts } from './send-progress.ts';

/** What the server did not take, by code, with the first lines of each. */
export type Rejections = Map<string, { count: number; readonly firstLines: number[]; readonly message: string }>;

export interface SendResult {
  readonly counts: SendCounts;
  readonly rejections: Rejections;
}

export interface SendOptions {
  readonly client: ApiClient;
  readonly context: CliContext;
  readonly chunks: AsyncIterable<Buffer>;
  /** How long to go on trying one batch while the server is away. */
  readonly retryForMs: number;
  readonly onProgress: (counts: SendCounts, note: string) => void;
  readonly signal: AbortSignal;
}

const FIRST_LINES_MAX = 5;

/**
 * Posts a stream of NDJSON in order, one request at a time; the next batch is read and compressed meanwhile. A batch
 * that the server may or may not have taken (a cut connection) is sent again: duplicates change nothing (SPEC §1).
 * Throws `CommandFailure` when the server can't be reached for too long, or doesn't let this key in.
 */
export async function sendSamples(options: SendOptions): Promise<SendResult> {
  const result: SendResult = { counts: { accepted: 0, rejected: 0, failed: 0, bytesRead: 0 }, rejections: new Map() };
  let underWay: Promise<void> = Promise.resolve();
  try {
    for await (const batch of lineBatches(options.chunks, { linesMax: BATCH_SAMPLES_MAX, bytesMax: BATCH_BYTES_MAX - 1 })) {
      const body = await compress(batch.body);
      await underWay;
      underWay = post(options, batch, body, result);
      // Its failure is met at the await above or below; until then it must not count as unhandled.
      underWay.catch(() => undefined);
    }
  } finally {
    await underWay;
  }
  return result;
}

async function post(options: SendOptions, batch: LineBatch, body: Buffer, result: SendResult): Promise<void> {
  const { counts } = result;
  for (const line of batch.tooLong) {
    counts.failed += 1;
    addRejection(result.rejections, 'line_too_long', line, `longer than ${BATCH_BYTES_MAX} bytes; not sent`);
  }
  if (batch.lines.length > 0) {
    const outcome = await deliver(options, body, counts);
    if (outcome.kind === 'accepted') {
      counts.accepted += outcome.receipt.accepted;
      counts.rejected += outcome.receipt.rejected;
      itemise(result.rejections, outcome.receipt, batch);
    } else if (outcome.receipt !== null && outcome.receipt.errors.length > 0) {
      counts.rejected += batch.lines.length;
      itemise(result.rejections, { ...outcome.receipt, rejected: batch.lines.length }, batch);
    } else {
      counts.failed += batch.lines.length;
      const message = `${outcome.status}: ${outcome.detail}`;
      for (const line of batch.lines) addRejection(result.rejections, outcome.code, line, message);
    }
  }
  counts.bytesRead = batch.bytesRead;
  options.onProgress(counts, '');
}

type FinalOutcome = Extract<PostOutcome, { kind: 'accepted' | 'refused' }>;

async function deliver(options: SendOptions, body: Buffer, counts: SendCounts): Promise<FinalOutcome> {
  const { client, context, signal } = options;
  const endsAtMs = context.now() + options.retryForMs;
  for (let attempt = 0; ; attempt++) {
    const outcome = await client.postSamples(body, { gzip: true, signal });
    if (outcome.kind === 'accepted' || outcome.kind === 'refused') return outcome;
    if (signal.aborted) throw new CommandFailure('interrupted; sending the file again is safe: samples count once');
    if (outcome.kind === 'denied')
      throw new CommandFailure(`the server does not let this key in: ${outcome.status} ${outcome.code}: ${outcome.detail}`);
    const delayMs = waitMs(UNAVAILABLE_POLICY, attempt, outcome.retryAfterMs, context.random);
    if (context.now() + delayMs > endsAtMs) {
      throw new CommandFailure(
        `the server can't take samples: ${outcome.detail}; sending the file again later is safe: samples count once`,
      );
    }
    options.onProgress(counts, `waiting: ${outcome.detail}`);
    await context.sleep(delayMs, signal);
  }
}

/** The server names the first hundred errors of a batch; the rest is counted under a name of its own. */
function itemise(rejections: Rejections, receipt: Receipt, batch: LineBatch): void {
  for (const error of receipt.errors) {
    addRejection(rejections, error.code, batch.lines[error.index] ?? 0, error.message ?? error.field ?? '');
  }
  const unnamed = receipt.rejected - receipt.errors.length;
  for (let i = 0; i < unnamed; i++) addRejection(rejections, 'more (not named by the server)', 0, '');
}

function addRejection(rejections: Rejections, code: string, line: number, message: string): void {
  const entry = rejections.get(code) ?? { count: 0, firstLines: [], message };
  entry.count += 1;
  if (line > 0 && entry.firstLines.length < FIRST_LINES_MAX) entry.firstLines.push(line);
  rejections.set(code, entry);
}
