/** Waiting for what must come: far longer than it takes on a busy machine, so that only what hangs fails. */
const PATIENCE_MS = 180_000;
const POLL_MS = 50;

/** Asks until the condition holds. @param told what is said of a wait in vain: the state of things, a server's output */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  told: () => string | Promise<string> = () => '',
): Promise<void> {
  const endMs = performance.now() + PATIENCE_MS;
  while (!(await condition())) {
    if (performance.now() > endMs) throw new Error(`waited ${PATIENCE_MS} ms for ${what}\n${await told()}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
