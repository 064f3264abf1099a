/** How far a bench is: a bar where stderr is a terminal, a line now and then where it is not. */
import { SingleBar } from 'cli-progress';

const LINE_EVERY_MS = 10_000;

class Progress {
  #bar: SingleBar | undefined;
  #bench = '';
  #nextLineMs = 0;

  start(bench: string): void {
    this.#bench = bench;
    this.#nextLineMs = performance.now() + LINE_EVERY_MS;
    if (!process.stderr.isTTY) return;
    this.#bar = new SingleBar({
      stream: process.stderr,
      format: `${bench} {bar} {value} of {total} | {note}`,
      hideCursor: true,
      clearOnComplete: true,
      gracefulExit: false,
    });
    this.#bar.start(1, 0, { note: '' });
  }

  /** `done` of `of` pieces of the bench, and what is being done now. */
  at(done: number, of: number, note: string): void {
    if (this.#bar !== undefined) {
      this.#bar.setTotal(of);
      this.#bar.update(done, { note });
      return;
    }
    if (this.#bench === '' || performance.now() < this.#nextLineMs) return;
    this.#nextLineMs = performance.now() + LINE_EVERY_MS;
    console.error(`${this.#bench}: ${done} of ${of}, ${note}`);
  }

  stop(): void {
    this.#bar?.stop();
    this.#bar = undefined;
    this.#bench = '';
  }
}

/** Of this process: it has one terminal and runs one bench at a time. */
export const progress = new Progress();
