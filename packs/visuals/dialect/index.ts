import type { Dialect } from 'lovage';
import { policy } from '../previews/policy.ts';
import { comparisonRoutes } from './comparisons.ts';
import { costRoutes } from './costs.ts';
import { renderError } from './errors.ts';
import { exportRoutes } from './exports.ts';
import { fileRoutes } from './files.ts';
import { imageRoutes } from './images.ts';
import { patientRoutes } from './patients.ts';
import { procedureRoutes } from './procedures.ts';
import { states } from './states.ts';
import { taskRoutes } from './tasks.ts';
import { visualizationRoutes } from './visualizations.ts';

/** The HTTP contract of the system that these previews ran on before, path by path and field by field. */
export const dialect: Dialect = {
  prefix: '/visuals',
  forgetsAfterMs: policy.resultTtlMs,
  states,
  error: renderError,
  routes: [
    ...procedureRoutes,
    ...patientRoutes,
    ...imageRoutes,
    ...visualizationRoutes,
    ...comparisonRoutes,
    ...costRoutes,
    ...exportRoutes,
    ...taskRoutes,
    ...fileRoutes,
  ],
};
