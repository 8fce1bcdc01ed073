import { defineConfig } from 'vitest/config';

/** What is published, as a stranger's project installs it. */
export default defineConfig({
  test: {
    include: ['test/package/**/*.test.ts'],
    testTimeout: 180_000,
    hookTimeout: 180_000,
    reporters: ['default'],
  },
});
