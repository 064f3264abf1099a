/** Takes a lock file and says so in one line of JSON; lets it go when its input ends. */
import { takeLock } from '../../../src/process/process-lock.ts';
import { LockedError } from '../../../src/process/held-lock.ts';

const [path = '', beatMs = '50', dyingMs = '60000'] = process.argv.slice(2);
const say = (line: object): void => {
  process.stdout.write(`${JSON.stringify(line)}\n`);
};
try {
  const lock = await takeLock({
    path,
    advice: 'stop it first',
    onWait: () => {
      say({ waits: true });
    },
    timing: { beatMs: Number(beatMs), dyingMs: Number(dyingMs), staleMs: 300, pollMs: 10 },
  });
  say({ id: lock.id, pid: process.pid });
  process.stdin.resume();
  process.stdin.on('end', () => {
    lock.release().then(
      () => process.exit(0),
      () => process.exit(1),
    );
  });
} catch (error) {
  if (!(error instanceof LockedError)) throw error;
  say({ refused: error.message });
}
