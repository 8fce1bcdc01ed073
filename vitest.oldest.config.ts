import { defineConfig, mergeConfig } from 'vitest/config';
import base from './vitest.config.ts';

/** The oldest supported server: what lives in SQL, and the refusal of a server that is older still. */
const config = mergeConfig(
  base,
  defineConfig({ test: { env: { LOVAGE_TEST_BINARIES: 'postgres-14-linux-x64' } } }),
);
config.test = {
  ...config.test,
  include: [
    'test/oldest/**/*.test.ts',
    'test/journal/{by-hand-*,claim,settle,fence,invariants,reconcile}.test.ts',
  ],
  exclude: [],
};
process.env['LOVAGE_TEST_BINARIES'] = 'postgres-14-linux-x64';

export default config;
