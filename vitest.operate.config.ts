import base from './vitest.config.ts';

/** Operating Lovage over years: retention, the SQL contract, metrics, the command line, deployment. */
const config = { ...base, test: { ...base.test, include: ['test/operate/**/*.test.ts'], exclude: [] } };

export default config;
