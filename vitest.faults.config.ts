import { defineConfig, mergeConfig } from 'vitest/config';
import base from './vitest.config.ts';

// They mostly wait: in the short form three files run side by side. At length each has the machine to itself.
const maxWorkers = process.env['LOVAGE_FAULTS'] === 'short' ? 3 : 1;

/** Real worker processes that are killed, stopped, frozen and cut off: longer than a change should wait for each time. */
const config = mergeConfig(base, defineConfig({ test: { testTimeout: 120_000, maxWorkers } }));
config.test = { ...config.test, include: ['test/faults/**/*.test.ts'], exclude: [] };

export default config;
