import { definePack } from 'lovage';
import { generateCostInfographic } from './costs/generate-infographic.ts';
import { dialect } from './dialect/index.ts';
import { environment } from './environment.ts';
import { generateExport } from './exports/generate-export.ts';
import { generateComparison } from './previews/generate-comparison.ts';
import { generateVisualization } from './previews/generate-visualization.ts';
import { removeExpiredFiles } from './sweep/remove-expired-files.ts';

/** Previews and comparisons of surgical procedures, with exports and cost estimates. */
export const visuals = definePack({
  name: 'visuals',
  tasks: [
    generateVisualization,
    generateComparison,
    generateExport,
    generateCostInfographic,
    removeExpiredFiles,
  ],
  dialect,
  environment,
  queues: { visualizations: { concurrency: 4 }, exports: { concurrency: 2 } },
  schedules: {
    'visuals.removeExpiredFiles': { task: removeExpiredFiles, input: {}, cron: '17 * * * *', missed: 'once' },
  },
  migrations: new URL('drizzle/', import.meta.url),
});
