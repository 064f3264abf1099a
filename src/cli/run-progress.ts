import type { CliContext } from './context.ts';
import { startProgress } from './progress.ts';

export interface RunProgress {
  update(done: number, of: number, note: string): void;
  stop(): void;
}

/** The progress over accounts. */
export function startRunProgress(context: CliContext): RunProgress {
  const progress = startProgress(
    context,
    { format: '{bar} {value} of {total} accounts | {eta_formatted} | {note}', first: { done: 0, of: 0, note: '' } },
    ({ done, of, note }) => `${done} of ${Math.max(of, done)} accounts${note === '' ? '' : `, ${note}`}`,
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
