import { z } from 'zod';
import { CommandFailure } from './context.ts';

/** What the server answered, in the shape that a command reads. Throws `CommandFailure` where it is another. */
export function answerAs<T extends z.ZodType>(shape: T, json: unknown): z.infer<T> {
  const answer = shape.safeParse(json);
  if (!answer.success) throw new CommandFailure(`the server's answer is not as expected: ${z.prettifyError(answer.error)}`);
  return answer.data;
}
