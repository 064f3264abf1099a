/** RFC 9457, as far as we use it. */
import { z } from 'zod';

const Problem = z.looseObject({
  code: z.string().optional(),
  title: z.string().optional(),
  detail: z.string().optional(),
  errors: z.array(z.unknown()).optional(),
});
const FieldFault = z.looseObject({ field: z.string(), message: z.string() });

/** What is wrong with one field of a body. */
export interface FieldFault {
  readonly field: string;
  readonly message: string;
}

/** What a call can end with besides an answer: what the server or the network said, and whether the same call may work later. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  /** Of HTTP; null where there was no answer. */
  readonly status: number | null;
  /**
   * Of the problem (docs/reference/problems.md). The client's own: `unreachable`, `bad_server` (the address), `unexpected_answer` (not of this API),
   * `http_NNN` (an answer without a problem document, of a proxy as it seems).
   */
  readonly code: string;
  readonly retryable: boolean;
  /** What the server asked for, in milliseconds. */
  readonly retryAfterMs: number | null;
  /** Of `invalid_body` and `invalid_parameter`. */
  readonly fields: readonly FieldFault[];

  constructor(
    message: string,
    what: {
      status: number | null;
      code: string;
      retryable: boolean;
      retryAfterMs?: number | null;
      fields?: readonly FieldFault[];
      cause?: unknown;
    },
  ) {
    super(message, { cause: what.cause });
    this.status = what.status;
    this.code = what.code;
    this.retryable = what.retryable;
    this.retryAfterMs = what.retryAfterMs ?? null;
    this.fields = what.fields ?? [];
  }
}

/** Whether the same request may be answered otherwise later, by its status. */
export function isTransient(status: number): boolean {
  return status === 408 || status === 425 || status === 429 || status >= 500;
}

/** What an answer that is none of success says: Uptally's problem document, or the beginning of whatever else it is. */
export function describeProblem(answer: { readonly status: number; readonly text: string }): {
  code: string;
  detail: string;
  fields: readonly FieldFault[];
} {
  const problem = Problem.safeParse(parseJson(answer.text));
  if (!problem.success)
    return { code: `http_${answer.status}`, detail: answer.text.slice(0, 200) || 'no explanation', fields: [] };
  const { code, detail, title, errors = [] } = problem.data;
  return {
    code: code ?? `http_${answer.status}`,
    detail: detail ?? title ?? 'no explanation',
    fields: errors.flatMap((each) => {
      const fault = FieldFault.safeParse(each);
      return fault.success ? [{ field: fault.data.field, message: fault.data.message }] : [];
    }),
  };
}

/** null for what is no JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}
