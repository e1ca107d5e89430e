import { defineConfig } from 'vitest/config';

/** One after the other, since two cores are few. Four layers: pure code, the protocol in a model checker, workflows on the time-skipping server, and everything on real clusters. */
export default defineConfig({
  test: {
    pool: 'forks',
    reporters: ['default'],
    projects: [
      { test: { name: 'unit', include: ['test/unit/**/*.test.ts'], sequence: { groupOrder: 0 } } },
      {
        test: { name: 'workflows', include: ['test/workflows/**/*.test.ts'], sequence: { groupOrder: 2 }, testTimeout: 120_000, hookTimeout: 600_000, fileParallelism: false },
      },
      {
        test: { name: 'model', include: ['test/model/**/*.test.ts'], sequence: { groupOrder: 1 }, testTimeout: 900_000, hookTimeout: 600_000 },
      },
      {
        test: { name: 'e2e', include: ['test/e2e/**/*.test.ts'], sequence: { groupOrder: 3 }, testTimeout: 300_000, hookTimeout: 1_200_000, fileParallelism: false },
      },
    ],
  },
});
