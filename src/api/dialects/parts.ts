import type { ApiParts } from '../context.ts';
import type { Router } from '../trpc/router.ts';
import type { createView } from './view.ts';

/** What the answers of all routes share. */
export interface DialectParts {
  parts: ApiParts;
  router: Router;
  view: ReturnType<typeof createView>;
  /** Only tasks of these definitions exist here. */
  names: ReadonlySet<string>;
}
