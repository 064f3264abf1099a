/** A connection that is made when it is first needed and kept, and made anew after any failure. */
export class Kept<T extends { disconnect(): Promise<void> }> {
  readonly #connect: () => Promise<T>;
  #connected: Promise<T> | undefined;

  constructor(connect: () => Promise<T>) {
    this.#connect = connect;
  }

  /** Does something with it. What fails costs the connection, and the next call gets another. */
  async use<A>(use: (connection: T) => Promise<A>): Promise<A> {
    const connected = (this.#connected ??= this.#connect());
    try {
      return await use(await connected);
    } catch (error) {
      if (this.#connected === connected) {
        this.#connected = undefined;
        connected.then((connection) => connection.disconnect()).catch(() => undefined);
      }
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.#connected?.then((connection) => connection.disconnect()).catch(() => undefined);
  }
}
