/** Questions to the brokers now and then: a connection that is kept, and made anew after any failure. */
import type { Admin, Kafka } from 'kafkajs';
import { partitionsOf, boundsOf } from './topic.ts';
import type { Bounds } from './queue.ts';

export class Asking {
  readonly #kafka: Kafka;
  readonly #topic: string;
  #connected: Promise<Admin> | undefined;

  constructor(kafka: Kafka, topic: string) {
    this.#kafka = kafka;
    this.#topic = topic;
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

  bounds(): Promise<Map<number, Bounds>> {
    return this.do((admin) => boundsOf(admin, this.#topic));
  }

  partitions(): Promise<number> {
    return this.do((admin) => partitionsOf(admin, this.#topic));
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
