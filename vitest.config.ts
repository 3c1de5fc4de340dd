import { defineConfig } from 'vitest/config';

/** Files that measure time or memory of a server: each has the machine to itself, when all others have ended. */
const ALONE = [
  'test/faults/store-large.test.ts',
  'test/faults/hostile-crowd.test.ts',
  'test/peers/directory-times.test.ts',
  'test/peers/serve-seen-by-others.test.ts',
  'test/store/blobs/memory.test.ts',
];

const everyFile = {
  // Tests start real servers and read /proc: a process each keeps one file's from another's.
  pool: 'forks',
  testTimeout: 30_000,
  hookTimeout: 60_000,
  // Real servers on a busy machine: one more try, shown as "retry x1" by the reporter. Random inputs keep their seed.
  retry: process.env.CI ? 1 : 0,
} as const;

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          ...everyFile,
          name: 'together',
          include: ['test/**/*.test.ts'],
          exclude: ['test/bench/**', 'node_modules/**', ...ALONE],
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      { test: { ...everyFile, name: 'alone', include: ALONE, maxWorkers: 1, sequence: { groupOrder: 1 } } },
    ],
  },
});
