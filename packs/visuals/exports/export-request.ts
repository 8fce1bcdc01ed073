import { z } from 'zod';
import { EXPORT_FORMATS } from '../schema/index.ts';

const MAX_IDS = 100;
/** Null: all of the patient's. */
const ids = z.array(z.string().min(1).max(100)).max(MAX_IDS).nullable().default(null);

export const exportRequest = z.object({
  patient_id: z.string().min(1).max(100),
  format: z.enum(EXPORT_FORMATS),
  shareable: z.boolean().default(false),
  include_visualizations: z.boolean().default(true),
  include_cost_estimates: z.boolean().default(true),
  include_comparisons: z.boolean().default(true),
  visualization_ids: ids,
  cost_breakdown_ids: ids,
  comparison_ids: ids,
});

export type ExportRequest = z.output<typeof exportRequest>;
