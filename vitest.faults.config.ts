import { defineConfig, mergeConfig } from 'vitest/config';
import base from './vitest.config.ts';

/** Real worker processes that are killed, stopped, frozen and cut off: longer than a change should wait for each time. */
const config = mergeConfig(base, defineConfig({ test: { testTimeout: 120_000, fileParallelism: false } }));
config.test = { ...config.test, include: ['test/faults/**/*.test.ts'], exclude: [] };

export default config;
