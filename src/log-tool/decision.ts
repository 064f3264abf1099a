/** What an operator says to the tool of the log. */

/** What was asked for can't be done, in words for who asked. */
export class LogToolError extends Error {
  override readonly name = 'LogToolError';
}

/** Who decides, and why: both stay on record. */
export interface Decision {
  readonly who: string;
  readonly why: string;
}
