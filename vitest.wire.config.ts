import base from './vitest.config.ts';

/** The contract of the API, against real servers and workers: what callers, keys, streams and documents may count on. */
const config = { ...base, test: { ...base.test, include: ['test/wire/**/*.test.ts'], exclude: [] } };

export default config;
