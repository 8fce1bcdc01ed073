import base from './vitest.config.ts';

/** The four systems, as their clients see them: real servers, real workers, each system's own contract. */
const config = {
  ...base,
  test: { ...base.test, include: ['test/packs/**/*.test.ts'], exclude: [] },
};

export default config;
