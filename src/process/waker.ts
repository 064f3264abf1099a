/** A loop that waits for more to do, and those who tell it that there is. */
export class Waker {
  /** Told that there is more to do while it did not wait. */
  #isWoken = false;
  #isStopped = false;
  #goOn: () => void = () => undefined;
  #isPausing = false;

  /** There is more to do: whoever waits goes on, and who pauses does not. */
  wake(): void {
    this.#isWoken = true;
    if (!this.#isPausing) this.#goOn();
  }

  /** Whoever waits or pauses goes on, and nobody pauses any more. */
  stop(): void {
    this.#isWoken = true;
    this.#isStopped = true;
    this.#goOn();
  }

  /** Until there is more to do, or the time is up; not at all if it was told of more since the last wait. @param ms Infinity: however long it takes */
  async wait(ms: number): Promise<void> {
    if (!this.#isWoken) await this.#sleep(ms);
    this.#isWoken = false;
  }

  /** The whole time, whatever there is to do, unless stopped. What it is told of meanwhile ends the next wait. */
  async pause(ms: number): Promise<void> {
    if (this.#isStopped) return;
    this.#isPausing = true;
    await this.#sleep(ms);
    this.#isPausing = false;
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = ms === Infinity ? undefined : setTimeout(done, Math.max(1, ms));
      this.#goOn = done;
      function done(): void {
        clearTimeout(timer);
        resolve();
      }
    });
  }
}
