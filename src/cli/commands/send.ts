import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { Option, type Command } from 'commander';
import { withClient } from '../terminal/connection.ts';
import { CommandFailure, writeLine, type CliContext } from '../terminal/context.ts';
import { parseDuration } from '../terminal/option-values.ts';
import { startSendProgress } from '../terminal/send-progress.ts';
import { sendSamples, type SendResult } from '../terminal/send-samples.ts';
import { sampleInput } from '../terminal/sample-input.ts';
import { tableLines } from '../../process/text-table.ts';

const EXAMPLES = `
FILE holds one sample a line, in UTF-8, as it is or compressed with gzip; - reads standard input:
  {"vm":"vm-17","ts":1772323200000,"nic":"net0","rx_bytes":123,"tx_bytes":456}
  {"vm":"vm-17","ts":"2026-03-01T00:01:00Z","state":"down","cause":"provider"}

A sample is counted once however often it is sent, so a send that broke off can simply be repeated.
Exits 0 when every sample was accepted, 1 when any was rejected or failed.

Examples:
  uptally send march.ndjson
  uptally send march.ndjson.gz
  zstdcat march.ndjson.zst | uptally send -
  uptally send march.ndjson --retry-for 1h && uptally status --wait
`;

const READ_CHUNK_BYTES = 256 * 1024;

export function register(program: Command, context: CliContext): void {
  program
    .command('send <file>')
    .description('post samples from an NDJSON file, or - for standard input')
    .addOption(
      new Option('--retry-for <time>', 'how long to go on trying while the server is away or busy')
        .argParser(parseDuration)
        .default(120_000, '2m'),
    )
    .addHelpText('after', EXAMPLES)
    .action(async (file: string, options: { retryFor: number }, command: Command) => {
      await withClient(command, context, async (client) => {
        const { stream, totalBytes } = await openInput(file, context);
        const startedAtMs = context.now();
        const { chunks, inflated } = await sampleInput(file, stream).catch((error: unknown) => {
          stream.destroy();
          throw error;
        });
        const progress = startSendProgress(context, inflated ? null : totalBytes);
        let result: SendResult;
        try {
          result = await sendSamples({
            client,
            context,
            chunks,
            retryForMs: options.retryFor,
            onProgress: (counts, note) => {
              progress.update(counts, note);
            },
            signal: context.interrupted(),
          });
        } finally {
          progress.stop();
          stream.destroy();
        }
        for (const line of summary(result, context.now() - startedAtMs)) writeLine(context.stdout, line);
        const { rejected, failed } = result.counts;
        if (rejected + failed > 0) throw new CommandFailure(`${rejected + failed} samples were not taken`);
      });
    });
}

async function openInput(file: string, context: CliContext): Promise<{ stream: Readable; totalBytes: number | null }> {
  if (file === '-') return { stream: context.stdin, totalBytes: null };
  try {
    const found = await stat(file);
    if (found.isDirectory()) throw new Error('it is a folder');
    return {
      stream: createReadStream(file, { highWaterMark: READ_CHUNK_BYTES }),
      totalBytes: found.isFile() ? found.size : null,
    };
  } catch (error) {
    throw new CommandFailure(`${file} can't be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** The last words: totals, rate, and what was rejected with the first lines of each code. */
function summary(result: SendResult, tookMs: number): string[] {
  const { accepted, rejected, failed } = result.counts;
  const seconds = Math.max(tookMs, 1) / 1000;
  const rate = Math.round((accepted + rejected) / seconds).toLocaleString('en');
  const lines = [`${accepted} accepted, ${rejected} rejected, ${failed} failed in ${seconds.toFixed(1)} s (${rate} samples/s)`];
  if (result.rejections.size > 0) {
    const rows = [...result.rejections].map(([code, { count, firstLines, message }]) => [
      code,
      count,
      firstLines.length === 0 ? '' : `line ${firstLines.join(', ')}${count > firstLines.length ? ', …' : ''}`,
      message,
    ]);
    lines.push('', ...tableLines(['code', 'samples', 'first at', 'such as'], rows));
  }
  return lines;
}
