/** Reads every segment of a log and writes its head as it is: ends with 0 where that can be done, and does not end well where pages are missing. */
import { openWriteTable } from './lmdb.ts';

const MAP_BYTES = 2 ** 37;

const [path = ''] = process.argv.slice(2);
const table = openWriteTable(path, MAP_BYTES);
for (let seq = table.segmentAfter(-1); seq !== undefined; seq = table.segmentAfter(seq)) table.segmentAt(seq);
await table.commit([], table.head());
await table.close();
