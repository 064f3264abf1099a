import { SingleBar } from 'cli-progress';
import { writeLine, type CliContext } from './context.ts';

export interface VerifyProgress {
  update(done: number, of: number, vm: string): void;
  stop(): void;
}

const LINE_EVERY_MS = 3_000;

/** A bar over VMs where stderr is a terminal; otherwise a line every few seconds. */
export function startVerifyProgress(context: CliContext): VerifyProgress {
  if (context.stderr.isTTY === true) {
    const bar = new SingleBar({
      stream: context.stderr,
      format: '{bar} {value} of {total} VMs | {vm}',
      hideCursor: true,
      clearOnComplete: true,
      gracefulExit: false,
    });
    bar.start(0, 0, { vm: '' });
    return {
      update(done, of, vm) {
        bar.setTotal(Math.max(of, done));
        bar.update(done, { vm });
      },
      stop() {
        bar.stop();
      },
    };
  }
  let nextAtMs = context.now() + LINE_EVERY_MS;
  return {
    update(done, of, vm) {
      if (context.now() < nextAtMs) return;
      nextAtMs = context.now() + LINE_EVERY_MS;
      writeLine(context.stderr, `${done} of ${Math.max(of, done)} VMs verified ${vm === '' ? '' : `, now ${vm}`}`.trimEnd());
    },
    stop() {
      // The lines stay; there is nothing to clear.
    },
  };
}
