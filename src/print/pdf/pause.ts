/** Lets the server do its other work: a long document takes seconds. */
export function pause(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
