import { ProblemError } from '../problems/problem.ts';
import { StoreError } from '../store/store.ts';
import type { Part } from './job.ts';

/** Does an account's part: what is wrong with the account is its part, what is wrong with the store stops the run. */
export async function attempt(account: string, work: () => Promise<Part>): Promise<Part> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof StoreError) throw error;
    const told =
      error instanceof ProblemError ? { code: error.code, reason: error.detail } : { code: 'internal', reason: String(error) };
    return { account, outcome: 'failed', ...told };
  }
}
