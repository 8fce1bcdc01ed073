import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  resolve: {
    alias: [
      { find: /^lovage$/, replacement: fileURLToPath(new URL('src/index.ts', import.meta.url)) },
      {
        find: /^lovage\/client$/,
        replacement: fileURLToPath(new URL('src/client/index.ts', import.meta.url)),
      },
    ],
  },
  test: {
    include: ['test/**/*.test.ts'],
    exclude: [
      'test/deploy/**',
      'test/operate/**',
      'test/packs/**',
      'test/wire/**',
      'test/faults/**',
      'test/oldest/**',
      'test/package/**',
    ],
    reporters: process.env['CI'] ? ['default', './tools/summary-reporter.ts'] : ['default'],
    globalSetup: ['test/global-setup.ts'],
    pool: 'forks',
    maxWorkers: 2,
    execArgv: ['--conditions=lovage-source', '--import=./bin/quick-imports.js'],
    env: { LOVAGE_DIAG: '1', LOVAGE_LOG_LEVEL: 'silent' },
    // They end what hangs; how quick a machine is, no test judges.
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
