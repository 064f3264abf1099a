import type { CliContext } from './context.ts';
import { startProgress } from './progress.ts';

export interface RunProgress {
  update(done: number, of: number, note: string): void;
  stop(): void;
}

/** The progress over accounts, or what else there are many of. */
export function startRunProgress(context: CliContext, what: 'accounts' | 'invoices' = 'accounts'): RunProgress {
  const progress = startProgress(
    context,
    { format: `{bar} {value} of {total} ${what} | {eta_formatted} | {note}`, first: { done: 0, of: 0, note: '' } },
    ({ done, of, note }) => `${done} of ${Math.max(of, done)} ${what}${note === '' ? '' : `, ${note}`}`,
  );
  return {
    update(done, of, note) {
      progress.update({ done, of, note });
    },
    stop() {
      progress.stop();
    },
  };
}
