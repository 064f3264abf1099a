import { defineConfig } from 'vitest/config';

export default defineConfig({ test: { include: ['test/powercut/**/*.test.ts'], hookTimeout: 120_000, pool: 'forks' } });
