import { defineConfig } from 'vitest/config';

// Each file runs several processes of ours beside a broker and a ClickHouse server: one file at a time is enough for two cores.
export default defineConfig({
  test: {
    include: ['test/distributed/**/*.test.ts'],
    globalSetup: ['test/run/temp-folder.ts', 'test/distributed/servers.ts'],
    testTimeout: 600_000,
    hookTimeout: 180_000,
    pool: 'forks',
    fileParallelism: false,
  },
});
