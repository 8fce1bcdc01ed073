import { definePack } from 'lovage';
import { environment } from './environment.ts';

/** Previews and comparisons of surgical procedures, with exports and cost estimates. */
export const visuals = definePack({
  name: 'visuals',
  tasks: [],
  environment,
  queues: { visualizations: { concurrency: 4 }, exports: { concurrency: 2 } },
  migrations: new URL('drizzle/', import.meta.url),
});
