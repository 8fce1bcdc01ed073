import { defineConfig } from 'vitest/config';

/** The steps of the Dockerfiles, run in clean folders from the registry, and what comes of them. */
export default defineConfig({
  test: {
    include: ['test/deploy/**/*.test.ts'],
    testTimeout: 120_000,
    hookTimeout: 600_000,
    reporters: ['default'],
  },
});
