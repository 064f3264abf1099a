/** `uptally sources`: what the series of a sender are. */
import { faultInWords } from '../../domain/fault-words.ts';
import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { z } from 'zod';
import type { CheckedSeries } from '../../ingest/receivers/check.ts';
import { ProblemError } from '../../problems/problem.ts';
import { tableLines } from '../../process/text-table.ts';
import { type Mapping, mappingOf, sourceBody } from '../../sources/mapping.ts';
import { preset, presets } from '../../sources/presets.ts';
import { withClient } from '../terminal/connection.ts';
import { type CliContext, CommandFailure, writeLine } from '../terminal/context.ts';

const EXAMPLES = `
A source is a JSON file: a preset, and whatever differs. Everything that no rule of it names is left out.

Examples:
  uptally sources presets
  echo '{"preset": "libvirt-exporter", "link_mbps": 10000}' > rack-1.json
  uptally sources check rack-1.json --body captured.snappy
  uptally sources put rack-1 rack-1.json
  uptally sources list
`;

const SourceList = z.looseObject({
  sources: z.array(
    z.looseObject({
      id: z.string(),
      protocol: z.string(),
      path: z.string(),
      counts: z.looseObject({
        taken: z.unknown(),
        left_out: z.record(z.string(), z.unknown()),
        rejected: z.record(z.string(), z.unknown()),
      }),
    }),
  ),
});

/** Series of one outcome that are shown. */
const SHOWN_MAX = 5;

export function register(program: Command, context: CliContext): void {
  const sources = program
    .command('sources')
    .description('what the series of Prometheus, Proxmox, Telegraf and other senders are')
    .addHelpText('after', EXAMPLES);

  sources
    .command('presets')
    .description('list the mappings that come with the product')
    .action(() => {
      const rows = [...presets()].map(([id, { protocol = '', title = '' }]) => [id, protocol, title]);
      for (const line of tableLines(['preset', 'protocol', 'for'], rows)) writeLine(context.stdout, line);
    });

  sources
    .command('check <file>')
    .description('check a source, and say what became of every series of a captured body and why; asks no server')
    .option('--body <capture>', 'a body as the sender posts it')
    .action(async (file: string, options: { body?: string }) => {
      const mapping = mappingIn(file);
      writeLine(context.stdout, `${file} can be used: ${mapping.title || mapping.protocol}, ${mapping.rules.length} rules`);
      if (options.body === undefined) return;
      // decoders are loaded by who asks for them
      const { checkBody } = await import('../../ingest/receivers/check.ts');
      let checked;
      try {
        checked = checkBody(mapping, readFileSync(options.body));
      } catch (error) {
        if (error instanceof ProblemError) throw new CommandFailure(`${options.body} would be refused: ${error.detail}`);
        throw error;
      }
      for (const line of checkedLines(checked.series)) writeLine(context.stdout, line);
      writeLine(context.stdout, '');
      const counts = [...checked.counts].filter(([, n]) => n > 0).map(([what, n]) => [what.replace(':', ' '), String(n)]);
      for (const line of tableLines(['points', ''], counts)) writeLine(context.stdout, line);
      if (checked.samples === 0) throw new CommandFailure('nothing of it would be a sample');
    });

  sources
    .command('put <id> <file>')
    .description('make a source, or give it another version from now on (needs an admin key)')
    .action(async (id: string, file: string, _options: unknown, command: Command) => {
      mappingIn(file);
      await withClient(command, context, async (client) => {
        const body: unknown = JSON.parse(readFileSync(file, 'utf8'));
        const { json } = await client.call('PUT', `/v1/sources/${encodeURIComponent(id)}`, body);
        const { path } = z.looseObject({ path: z.string() }).parse(json);
        writeLine(context.stderr, `its sender posts to ${path}`);
      });
    });

  sources
    .command('list')
    .description('list the sources, with what became of what they sent since the server began')
    .option('--json', "print the server's answer as it is")
    .action(async (options: { json?: boolean }, command: Command) => {
      await withClient(command, context, async (client) => {
        const { json, text } = await client.call('GET', '/v1/sources');
        if (options.json === true) {
          writeLine(context.stdout, text.trim());
          return;
        }
        const rows = SourceList.parse(json).sources.map(({ id, protocol, path, counts }) => [
          ...[id, protocol, path, String(counts.taken), sumOf(counts.left_out), sumOf(counts.rejected)],
        ]);
        for (const line of tableLines(['id', 'protocol', 'path', 'taken', 'left out', 'rejected'], rows))
          writeLine(context.stdout, line);
      });
    });

  sources
    .command('delete <id>')
    .description('delete a source: what it sends from then on is refused, what came of it stays')
    .action(async (id: string, _options: unknown, command: Command) => {
      await withClient(command, context, async (client) => {
        await client.call('DELETE', `/v1/sources/${encodeURIComponent(id)}`);
        writeLine(context.stderr, `source ${id} is deleted`);
      });
    });
}

function sumOf(counts: Readonly<Record<string, unknown>>): string {
  return String(Object.values(counts).reduce((sum: number, n) => sum + Number(n), 0));
}

/** Throws CommandFailure, a line a fault, where the file is no source. */
function mappingIn(file: string): Mapping {
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new CommandFailure(`${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
  const parsed = sourceBody.safeParse(json, { error: faultInWords });
  if (!parsed.success)
    throw new CommandFailure(
      parsed.error.issues.map((issue) => `${file}: ${issue.path.map(String).join('.')}: ${issue.message}`).join('\n'),
    );
  const mapping = mappingOf(parsed.data, preset);
  if ('protocol' in mapping) return mapping;
  throw new CommandFailure(mapping.map(({ field, message }) => `${file}: ${field}: ${message}`).join('\n'));
}

/** Series by their name and what became of them, with some of each. */
function checkedLines(series: readonly CheckedSeries[]): string[] {
  const groups = new Map<string, CheckedSeries[]>();
  for (const each of series) {
    const key = JSON.stringify([each.name, wordOf(each.answer)]);
    groups.set(key, [...(groups.get(key) ?? []), each]);
  }
  const rows = [...groups].flatMap(([key, members]) => {
    const [name = '', word = ''] = JSON.parse(key) as string[];
    const shown = word === 'ignored' || word === 'heartbeat' ? 1 : SHOWN_MAX;
    return members
      .slice(0, shown)
      .map((each, i) => [i === 0 ? name : '', i === 0 ? String(members.length) : '', i === 0 ? word : '', detailOf(each)]);
  });
  return tableLines(['series', 'n', 'becomes', ''], rows);
}

function wordOf(answer: CheckedSeries['answer']): string {
  if (answer.kind === 'taken') return answer.target.part;
  if (answer.kind === 'sample') return 'sample';
  return answer.kind === 'left_out' ? answer.why : `rejected ${answer.code}`;
}

function detailOf({ answer, labels }: CheckedSeries): string {
  if (answer.kind === 'rejected') return answer.why;
  if (answer.kind === 'left_out')
    return answer.why === 'ignored'
      ? ''
      : [...labels]
          .map(([name, value]) => `${name}=${value}`)
          .join(' ')
          .slice(0, 80);
  const { vm, nic, host } = answer.kind === 'taken' ? answer.target : answer.sample;
  return [`vm ${vm}`, ...(nic === '' ? [] : [`nic ${nic}`]), ...(host === '' ? [] : [`host ${host}`])].join(', ');
}
