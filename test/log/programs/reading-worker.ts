import { parentPort, workerData } from 'node:worker_threads';
import { openEmbeddedReader } from '../../../src/log/embedded-log.ts';

/** On each message (a head to reach) reads at once, without waiting, and answers what it saw. */
const reader = openEmbeddedReader(String(workerData));
let next = 0;

parentPort?.on('message', (message: 'close' | 'read') => {
  if (message === 'close') {
    reader.close();
    parentPort?.close();
    return;
  }
  const firstBytes: number[] = [];
  for (let records = reader.read(next, 50_000, 64); records.length > 0; records = reader.read(next, 50_000, 64)) {
    for (const { seq, payload } of records) {
      if (seq !== next++) throw new Error(`expected ${next - 1}, read ${seq}`);
      firstBytes.push(new DataView(payload.buffer, payload.byteOffset).getUint32(0, true));
    }
  }
  parentPort?.postMessage({ head: reader.headSeq(), firstBytes });
});
