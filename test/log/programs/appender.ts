import { writeSync } from 'node:fs';
import { openEmbeddedWriter } from '../../../src/log/embedded-log.ts';
import { programPayload } from './payload.ts';

/**
 * Appends until it is killed or the log fails, eight at a time, and tells every acknowledgement on stdout as "seq n".
 * Arguments: path, first n, point to die at, and the how-manieth passing of it. Trims all but the newest 300 records now
 * and then. On a failure of the log: "fatal", the outcome of one more append, and exit code 3.
 */
const [path = '', firstN = '0', diesAt = '', passing = '1'] = process.argv.slice(2);
let n = Number(firstN);
let passings = 0;

const writer = openEmbeddedWriter({
  path,
  keptBytesMax: 2 ** 30,
  onFatal: (error) => {
    writeSync(1, `fatal ${error.code} ${error.message}\n`);
    writer.append(programPayload(0), 1).then(
      () => process.exit(4),
      () => {
        writeSync(1, 'refused\n');
        process.exit(3);
      },
    );
  },
  faults: {
    at: (point) => {
      if (point === diesAt && ++passings === Number(passing)) process.kill(process.pid, 'SIGKILL');
    },
  },
});

async function appendForever(): Promise<never> {
  for (;;) {
    const mine = n++;
    const seq = await writer.append(programPayload(mine), 2);
    writeSync(1, `${seq} ${mine}\n`);
    if (seq % 250 === 249) await writer.trim(Math.max(0, seq - 300));
  }
}

for (let i = 0; i < 8; i++) appendForever().catch(() => undefined);
