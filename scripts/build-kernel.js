/**
 * Compiles the kernel twice: as it runs, and for tests with names and assertions. Ends with 1 where it does not compile.
 *
 * The optimizer's remark that its last round made the code longer again says nothing about the result, which is the shortest that it found:
 * whoever installs should not meet it as a warning.
 */
import asc from 'assemblyscript/asc';
import process from 'node:process';

const REMARK = 'Last converge was suboptimal.';
const stderr = {
  write(chunk) {
    const text = String(chunk);
    if (text.trim() !== REMARK) process.stderr.write(text);
  },
};

for (const target of ['release', 'debug']) {
  const { error } = await asc.main(['assembly/index.ts', '--config', 'asconfig.json', '--target', target], {
    stdout: process.stdout,
    stderr,
  });
  if (error !== null) process.exit(1);
}
