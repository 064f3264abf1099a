/** A message acknowledged: when by the brokers' clock, and where. */
export interface Acknowledged {
  readonly partition: number;
  readonly offset: number;
  readonly appendedMs: number;
}

/** What the writer needs of a Kafka client. Rejects when any of the messages may not be stored; with MessageTooLarge when that is why. */
export interface Producing {
  produce(messages: readonly { readonly partition: number; readonly value: Buffer }[]): Promise<readonly Acknowledged[]>;
  close(): Promise<void>;
}

/** The brokers take no message of this size. */
export class MessageTooLarge extends Error {
  override readonly name = 'MessageTooLarge';
}
