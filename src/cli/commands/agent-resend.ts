import type { Command } from 'commander';
import { resendRejected } from '../../agent/resend.ts';
import { withClient } from '../terminal/connection.ts';
import { CommandFailure, writeLine, type CliContext } from '../terminal/context.ts';

const ABOUT = `
What the server refused lies under rejected/ in the agent's spool, each batch with a .reason.txt beside it, the newest 16 MiB. When the
reason is mended (the key's patterns, a clock, a proxy), send it again: what the server takes whole is removed, what it has already counts
once. The agent may run meanwhile. Ends in 0 when nothing is left.

Examples:
  uptally agent resend --spool /var/lib/uptally-agent
`;

/** Adds `uptally agent resend`; `--spool` is the agent's own option. */
export function registerResend(agent: Command, context: CliContext): void {
  agent
    .command('resend')
    .description('send batches again that the server refused')
    .addHelpText('after', ABOUT)
    .action(async (_options: unknown, command: Command) => {
      const { spool } = command.optsWithGlobals<{ spool: string }>();
      const interrupted = context.interrupted();
      const counts = { taken: 0, samples: 0, kept: 0 };
      const stopped: string[] = [];
      await withClient(command, context, async (client) => {
        for await (const { file, outcome, removed } of resendRejected(client, spool, interrupted)) {
          if (outcome.kind === 'accepted') counts.samples += outcome.receipt.accepted;
          if (removed) {
            counts.taken += 1;
            continue;
          }
          counts.kept += 1;
          if (outcome.kind === 'accepted')
            writeLine(
              context.stderr,
              `${file}: kept, the server rejected ${outcome.receipt.rejected} of its samples (${outcome.receipt.errors[0]?.code ?? ''})`,
            );
          else if (outcome.kind === 'refused')
            writeLine(context.stderr, `${file}: kept, ${outcome.status} ${outcome.code}: ${outcome.detail}`);
          else stopped.push(outcome.detail);
        }
      });
      writeLine(context.stdout, `${counts.taken} batches taken (${counts.samples} samples accepted), ${counts.kept} kept`);
      if (stopped.length > 0)
        throw new CommandFailure(`the server did not take a batch, and the rest was not tried: ${stopped.join()}`);
      if (interrupted.aborted) throw new CommandFailure('interrupted; what was not sent is still there');
      if (counts.kept > 0) throw new CommandFailure('some batches were refused again; their .reason.txt says why');
    });
}
