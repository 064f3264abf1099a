/** `npm run test:powercut`: power cuts under the real server. */
import { spawnSync } from 'node:child_process';
import { loopDiskMissing } from '../support/loop-disk.ts';
import { runVitest } from './vitest.ts';

const HELP = `Usage: npm run test:powercut [-- [--cuts N] [--seed N]]

Runs the server on an ext4 file system in a file, cuts its power at random moments under load and during starts (FS_IOC_GOINGDOWN), and
checks after each cut that every sample answered 202 is there. Needs root, loop devices, a C compiler and mkfs.ext4. About five seconds a cut.

  --cuts N   how many power cuts (default 100)
  --seed N   other moments, other samples (default 1)
`;

/** Set for the second call, which is in a mount namespace of its own. */
const INSIDE = 'UPTALLY_TEST_OWN_MOUNTS';

const args = process.argv.slice(2);
const given = new Map<string, string>();
for (let i = 0; i < args.length; i += 2) {
  const [name = '', value = ''] = args.slice(i, i + 2);
  if ((name === '--cuts' || name === '--seed') && /^\d{1,6}$/.test(value)) given.set(name, value);
  else {
    (name === '--help' ? process.stdout : process.stderr).write(HELP);
    process.exit(name === '--help' ? 0 : 2);
  }
}
const missing = loopDiskMissing();
if (missing !== undefined) {
  process.stderr.write(`the power cuts were NOT made: ${missing}\n`);
  process.exitCode = 1;
} else if (process.env[INSIDE] === undefined) {
  const self = [process.execPath, ...process.argv.slice(1)];
  const { status } = spawnSync('unshare', ['--mount', '--propagation', 'private', '--', ...self], {
    stdio: 'inherit',
    env: { ...process.env, [INSIDE]: '1' },
  });
  process.exitCode = status ?? 1;
} else {
  process.exitCode = await runVitest('vitest.powercut.config.ts', [], {
    ...(given.has('--cuts') ? { UPTALLY_TEST_CUTS: given.get('--cuts') ?? '' } : {}),
    ...(given.has('--seed') ? { UPTALLY_TEST_SEED: given.get('--seed') ?? '' } : {}),
  });
}
