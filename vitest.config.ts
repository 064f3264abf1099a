import { defineConfig } from 'vitest/config';

// Process tests start real servers; two cores carry two files at a time.
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/distributed/**', 'test/powercut/**'],
    globalSetup: ['test/run/temp-folder.ts'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    pool: 'forks',
    maxWorkers: 2,
  },
});
