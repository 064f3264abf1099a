/** Opens the server and brings its tables up to date, as a process does that starts: `URL`. */
import { migrate } from '../../../src/store/migrations.ts';
import { openServerStore } from '../../../src/store/server.ts';

const store = await openServerStore({ url: process.argv[2] ?? '' });
const { applied } = await migrate(store, { nowMs: Date.now() });
process.stdout.write(`${applied.join(' ')}\n`);
await store.close();
