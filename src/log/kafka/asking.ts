/** Questions to the brokers now and then: a connection that is kept, and made anew after any failure. */
import type { Admin, Kafka } from 'kafkajs';
import { boundsOf } from './topic.ts';
import type { Bounds } from './queue.ts';

export class Asking {
  readonly #kafka: Kafka;
  readonly #topic: string;
  readonly #base: number;
  #connected: Promise<Admin> | undefined;

  /** @param base the position of offset 0 */
  constructor(kafka: Kafka, topic: string, base: number) {
    this.#kafka = kafka;
    this.#topic = topic;
    this.#base = base;
  }

  /** Does something with the admin client. */
  async do<T>(use: (admin: Admin) => Promise<T>): Promise<T> {
    const connected = (this.#connected ??= this.#connect());
    try {
      return await use(await connected);
    } catch (error) {
      if (this.#connected === connected) {
        this.#connected = undefined;
        connected.then((admin) => admin.disconnect()).catch(() => undefined);
      }
      throw error;
    }
  }

  /** The positions of every partition's first and next message. */
  async bounds(): Promise<Map<number, Bounds>> {
    const offsets = await this.do((admin) => boundsOf(admin, this.#topic));
    const positions = (bounds: Bounds): Bounds => ({ low: this.#base + bounds.low, head: this.#base + bounds.head });
    return new Map([...offsets].map(([partition, bounds]) => [partition, positions(bounds)]));
  }

  async close(): Promise<void> {
    await this.#connected?.then((admin) => admin.disconnect()).catch(() => undefined);
  }

  async #connect(): Promise<Admin> {
    const admin = this.#kafka.admin();
    await admin.connect();
    return admin;
  }
}
