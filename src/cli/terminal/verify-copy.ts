import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import type { CheckedCopy } from '../../verify/copy.ts';
import { withClient } from './connection.ts';
import { CommandFailure, writeLine, type CliContext } from './context.ts';

const COPY_BYTES_MAX = 256 * 1024 * 1024;

/** Checks a copy of a document; with a server (options or environment), against that too. */
export async function verifyCopy(file: string, json: boolean, command: Command, context: CliContext): Promise<void> {
  const { checkCopy } = await import('../../verify/copy.ts');
  const { Reader, VerifyError } = await import('../../verify/reader.ts');
  const { describe } = await import('../../verify/disagreement.ts');
  const text = await readFile(file, 'utf8');
  if (text.length > COPY_BYTES_MAX) throw new CommandFailure(`${file} is too large to be a document`);
  let found: CheckedCopy;
  try {
    found = hasServer(command, context)
      ? await withClient(command, context, (client) =>
          checkCopy(text, new Reader({ client, sleep: context.sleep, signal: context.interrupted(), pageRows: 1 })),
        )
      : await checkCopy(text, null);
  } catch (error) {
    if (error instanceof VerifyError) throw new CommandFailure(`${file}: ${error.message}`);
    throw error;
  }
  if (json) writeLine(context.stdout, JSON.stringify(answerOf(found), null, 2));
  else for (const line of linesOf(found)) writeLine(context.stdout, line);
  if (found.disagreement !== null) throw new CommandFailure(`disagreement at ${describe(found.disagreement)}`);
}

function hasServer(command: Command, context: CliContext): boolean {
  const given = command.optsWithGlobals<{ server?: string; key?: string }>();
  return (given.server ?? context.env['UPTALLY_SERVER'] ?? '') !== '' && (given.key ?? context.env['UPTALLY_KEY'] ?? '') !== '';
}

function answerOf({ name, digests, disagreement, checked, status }: CheckedCopy): Record<string, unknown> {
  return {
    document: name,
    agree: disagreement === null,
    disagreement,
    sha256: digests,
    lines_derived: checked?.derived ?? null,
    server: status,
  };
}

function linesOf({ name, content, digests, disagreement, checked, status }: CheckedCopy): string[] {
  if (disagreement !== null) return [];
  const derived = checked?.derived ?? null;
  return [
    `${name}: ${content.total} ${content.currency}`,
    `content   SHA-256 ${digests.content}`,
    checked === null ? 'without its evidence: no line can be derived again' : `evidence  SHA-256 ${digests.evidence}`,
    ...(derived === null ? [] : [`${derived} lines derived again from the evidence: the same`]),
    status === null
      ? 'not compared with a server: whether these digests are the ones it was issued with, only its issuer can say'
      : `the server has the same document, ${status}`,
  ];
}
