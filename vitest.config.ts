import { defineConfig } from 'vitest/config';

/** Four layers: pure code, the protocol in a model checker, workflows on the time-skipping server, and everything on real clusters. */
export default defineConfig({
  test: {
    pool: 'forks',
    reporters: ['default'],
    projects: [
      { test: { name: 'unit', include: ['test/unit/**/*.test.ts'] } },
      {
        test: { name: 'workflows', include: ['test/workflows/**/*.test.ts'], testTimeout: 120_000, hookTimeout: 600_000, fileParallelism: false },
      },
      {
        test: { name: 'model', include: ['test/model/**/*.test.ts'], testTimeout: 900_000, hookTimeout: 600_000 },
      },
      {
        test: { name: 'e2e', include: ['test/e2e/**/*.test.ts'], testTimeout: 300_000, hookTimeout: 1_200_000, fileParallelism: false },
      },
    ],
  },
});
