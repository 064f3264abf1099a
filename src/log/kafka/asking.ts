/** Questions to the brokers now and then, as an administrator asks them. */
import type { Admin, Kafka } from 'kafkajs';
import { Kept } from './kept.ts';
import { boundsOf } from './topic.ts';
import type { Bounds } from './queue.ts';

export class Asking {
  readonly #topic: string;
  readonly #base: number;
  readonly #connection: Kept<Admin>;

  /** @param base the position of offset 0 */
  constructor(kafka: Kafka, topic: string, base: number) {
    this.#topic = topic;
    this.#base = base;
    this.#connection = new Kept(async () => {
      const admin = kafka.admin();
      await admin.connect();
      return admin;
    });
  }

  /** Does something with the admin client. */
  do<T>(use: (admin: Admin) => Promise<T>): Promise<T> {
    return this.#connection.use(use);
  }

  /** The positions of every partition's first and next message. */
  async bounds(): Promise<Map<number, Bounds>> {
    const offsets = await this.do((admin) => boundsOf(admin, this.#topic));
    const positions = (bounds: Bounds): Bounds => ({ low: this.#base + bounds.low, head: this.#base + bounds.head });
    return new Map([...offsets].map(([partition, bounds]) => [partition, positions(bounds)]));
  }

  close(): Promise<void> {
    return this.#connection.close();
  }
}
