import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/bench/**', 'node_modules/**'],
    // Tests start real servers and read /proc: a process each keeps one file's from another's.
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // Real servers on a busy machine: one more try, shown as "retry x1" by the reporter. Random inputs keep their seed.
    retry: process.env.CI ? 1 : 0,
  },
});
