import base from './vitest.config.ts';

/** The steps of the Dockerfiles, run in clean folders from the registry, and what comes of them. */
const config = {
  ...base,
  test: {
    ...base.test,
    include: ['test/deploy/**/*.test.ts'],
    exclude: [],
    testTimeout: 120_000,
    hookTimeout: 600_000,
  },
};

export default config;
