import { SingleBar } from 'cli-progress';
import { writeLine, type CliContext } from './context.ts';

export interface RunProgress {
  update(done: number, of: number, note: string): void;
  stop(): void;
}

const LINE_EVERY_MS = 3_000;

/** A bar over accounts where stderr is a terminal; otherwise a line every few seconds. */
export function startRunProgress(context: CliContext): RunProgress {
  if (context.stderr.isTTY === true) {
    const bar = new SingleBar({
      stream: context.stderr,
      format: '{bar} {value} of {total} accounts | {eta_formatted} | {note}',
      hideCursor: true,
      clearOnComplete: true,
      gracefulExit: false,
    });
    bar.start(0, 0, { note: '' });
    return {
      update(done, of, note) {
        bar.setTotal(Math.max(of, done));
        bar.update(done, { note });
      },
      stop() {
        bar.stop();
      },
    };
  }
  let nextAtMs = context.now() + LINE_EVERY_MS;
  return {
    update(done, of, note) {
      if (context.now() < nextAtMs) return;
      nextAtMs = context.now() + LINE_EVERY_MS;
      writeLine(context.stderr, `${done} of ${Math.max(of, done)} accounts${note === '' ? '' : `, ${note}`}`);
    },
    stop() {
      // The lines stay; there is nothing to clear.
    },
  };
}
