import { SingleBar } from 'cli-progress';
import { writeLine, type CliContext } from './context.ts';

export interface VerifyProgress {
  /** `what`: VMs, or documents. */
  update(what: string, done: number, of: number, name: string): void;
  stop(): void;
}

const LINE_EVERY_MS = 3_000;

/** A bar over VMs, then documents, where stderr is a terminal; otherwise a line every few seconds. */
export function startVerifyProgress(context: CliContext): VerifyProgress {
  if (context.stderr.isTTY === true) {
    const bar = new SingleBar({
      stream: context.stderr,
      format: '{bar} {value} of {total} {what} | {name}',
      hideCursor: true,
      clearOnComplete: true,
      gracefulExit: false,
    });
    bar.start(0, 0, { what: 'VMs', name: '' });
    return {
      update(what, done, of, name) {
        bar.setTotal(Math.max(of, done));
        bar.update(done, { what, name });
      },
      stop() {
        bar.stop();
      },
    };
  }
  let nextAtMs = context.now() + LINE_EVERY_MS;
  return {
    update(what, done, of, name) {
      if (context.now() < nextAtMs) return;
      nextAtMs = context.now() + LINE_EVERY_MS;
      writeLine(
        context.stderr,
        `${done} of ${Math.max(of, done)} ${what} verified ${name === '' ? '' : `, now ${name}`}`.trimEnd(),
      );
    },
    stop() {
      // The lines stay; there is nothing to clear.
    },
  };
}
