import { LogError } from '../log.ts';
import type { Outgoing } from './batches.ts';
import { MessageTooLarge } from './producing.ts';

/** What can't be made smaller is refused. */
export function tooSmall(messages: readonly Outgoing[]): string {
  const largest = Math.max(...messages.map(({ builder }) => builder.bytes));
  return `the brokers take no message of ${largest} bytes, which is of one sample or none: raise max.message.bytes of the topic`;
}

/** What who waits for an append is told: `log_mismatch` as it is, all else leaves the outcome unknown. */
export function failureOf(cause: unknown): LogError {
  if (cause instanceof LogError && cause.code === 'log_mismatch') return cause;
  const reason = cause instanceof Error ? cause.message : String(cause);
  const what = cause instanceof MessageTooLarge ? 'the brokers take no message of this size' : 'the brokers did not acknowledge';
  return new LogError('log_failed', `${what}: ${reason}`, cause);
}
