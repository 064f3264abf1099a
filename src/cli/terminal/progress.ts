import { SingleBar } from 'cli-progress';
import { writeLine, type CliContext } from './context.ts';

/** How far it is: so much of so much, and what else the bar's format names. */
export interface Step {
  readonly done: number;
  readonly of: number;
  readonly [field: string]: number | string;
}

export interface Progress<T extends Step> {
  update(step: T): void;
  stop(): void;
}

const LINE_EVERY_MS = 3_000;

/**
 * A bar where stderr is a terminal, otherwise a line every few seconds.
 * @param bar the format of cli-progress, and what it shows at first; null: lines on a terminal too
 */
export function startProgress<T extends Step>(
  context: CliContext,
  bar: { readonly format: string; readonly first: T } | null,
  line: (step: T) => string,
): Progress<T> {
  if (context.stderr.isTTY === true && bar !== null) {
    const drawn = new SingleBar({
      stream: context.stderr,
      format: bar.format,
      hideCursor: true,
      clearOnComplete: true,
      gracefulExit: false,
    });
    drawn.start(bar.first.of, bar.first.done, bar.first);
    return {
      update(step) {
        drawn.setTotal(Math.max(step.of, step.done));
        drawn.update(step.done, step);
      },
      stop() {
        drawn.stop();
      },
    };
  }
  let nextAtMs = context.now() + LINE_EVERY_MS;
  return {
    update(step) {
      if (context.now() < nextAtMs) return;
      nextAtMs = context.now() + LINE_EVERY_MS;
      writeLine(context.stderr, line(step).trimEnd());
    },
    stop() {
      // The lines stay; there is nothing to clear.
    },
  };
}
