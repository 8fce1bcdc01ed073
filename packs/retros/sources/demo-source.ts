import { readRecords } from './read-records.ts';
import type { MetricsSource } from './metrics-source.ts';
import { makeDemoSprints } from './demo-sprints.ts';

/** Twenty invented sprints of nobody's team, the same each time. */
export const openDemoSource = (): MetricsSource => ({
  fetchSprints: async () => readRecords(makeDemoSprints(), 'demo', 'the demo'),
});
