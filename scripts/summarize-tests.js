/**
 * The end of what `.ci/run` prints: a line for each test that failed, then how many passed, failed and were skipped.
 *
 *     node scripts/summarize-tests.js NAME EXIT_CODE REPORT [NAME EXIT_CODE REPORT]...
 *
 * NAME is how a run was started, EXIT_CODE how it ended, REPORT what vitest's JSON reporter wrote of it. A file that could not start counts
 * as one failed test, and so does a run that failed without a failed test: it has no report, or an error came from outside any test.
 * The last line stays `N passed, N failed, N skipped`. Exits with 0 unless the arguments are wrong: whether the runs passed, their caller knows.
 */
import console from 'node:console';
import { existsSync, readFileSync } from 'node:fs';
import { relative } from 'node:path';
import process from 'node:process';

const LONGEST = 300;

/** The first line of an error, without colours and not longer than a line may be. */
function firstLine(text) {
  // eslint-disable-next-line no-control-regex -- the escape that begins a colour
  const plain = text.replace(/\u001b\[[0-9;]*m/g, '').trim();
  const line = plain.split('\n', 1)[0] ?? '';
  return line.length > LONGEST ? `${line.slice(0, LONGEST)}…` : line;
}

const sum = { passed: 0, failed: 0, skipped: 0 };

function tellFailed(...parts) {
  sum.failed++;
  console.log(`FAILED ${parts.filter((part) => part !== '').join(': ')}`);
}

function summarize(run, exitCode, report) {
  const failedBefore = sum.failed;
  if (!existsSync(report)) {
    tellFailed(run, `ended with ${exitCode} and without a report`);
    return;
  }
  const { numPassedTests, numPendingTests, testResults } = JSON.parse(readFileSync(report, 'utf8'));
  sum.passed += numPassedTests;
  sum.skipped += numPendingTests;
  for (const { name, status, message, assertionResults } of testResults) {
    const file = relative(process.cwd(), name);
    const failed = assertionResults.filter((test) => test.status === 'failed');
    for (const { fullName, failureMessages } of failed)
      tellFailed(file, fullName.replace(/\s+/g, ' '), firstLine(failureMessages[0] ?? ''));
    // A file that did not load, or whose setting up failed, has no failed test, only a message of its own.
    if (status === 'failed' && failed.length === 0) tellFailed(file, firstLine(message));
  }
  if (exitCode !== '0' && sum.failed === failedBefore) tellFailed(run, `ended with ${exitCode}, though no test failed`);
}

const args = process.argv.slice(2);
if (args.length === 0 || args.length % 3 !== 0) {
  console.error('usage: node scripts/summarize-tests.js NAME EXIT_CODE REPORT [NAME EXIT_CODE REPORT]...');
  process.exit(2);
}
for (let at = 0; at < args.length; at += 3) summarize(args[at], args[at + 1], args[at + 2]);
console.log(`${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped`);
