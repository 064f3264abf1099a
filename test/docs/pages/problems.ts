import { PROBLEMS } from '../../../src/problems/problem.ts';
import { REJECTION_CODES, rejectionMessage } from '../../../src/samples/rejection.ts';
import { grouped, item, page, sentence, wrapped } from './markdown.ts';

export async function problemsPage(): Promise<string> {
  const byStatus = grouped(Object.entries(PROBLEMS), ([, { status }]) => status);
  return await page('Problems', '`src/problems/problem.ts`', [
    wrapped(
      'Errors are `application/problem+json` (RFC 9457) with a stable `code`, which is never used again for another meaning. The server shows the same at `/problems`.',
    ),
    ...[...byStatus]
      .toSorted(([a], [b]) => a - b)
      .flatMap(([status, problems]) => [
        '',
        `## ${status}`,
        '',
        ...problems.map(([code, problem]) => {
          const wait = 'retryAfterSeconds' in problem ? ` \`Retry-After: ${problem.retryAfterSeconds}\`.` : '';
          return item(`\`${code}\`: **${problem.title}.** ${problem.meaning}${wait}`);
        }),
      ]),
  ]);
}

export async function rejectionCodesPage(): Promise<string> {
  return await page('Rejection codes of samples', '`src/samples/rejection.ts`', [
    wrapped(
      'A bad sample never takes its batch down with it: `POST /v1/samples` answers 202 for the others, and names index, field and code of each that was rejected (the first 100).',
    ),
    '',
    ...REJECTION_CODES.map((code) => item(`\`${code}\`: ${sentence(rejectionMessage({ index: 0, code, field: '' }))}.`)),
  ]);
}
