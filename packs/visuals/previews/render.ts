import { z } from 'zod';
import { RISK_LEVELS, type comparisons, type visualizations } from '../schema/index.ts';

/** Relative to the mount; the dialect signs it. */
export const filePath = (key: string): string => `/api/files/${key}`;

const metadata = z.record(z.string(), z.json());

export const visualizationOutput = z.strictObject({
  id: z.string(),
  patient_id: z.string().nullable(),
  procedure_id: z.string(),
  procedure_name: z.string(),
  before_image_url: z.string(),
  after_image_url: z.string(),
  prompt_used: z.string(),
  generated_at: z.string(),
  confidence_score: z.number().min(0).max(1),
  metadata,
});

export const comparisonOutput = z.strictObject({
  id: z.string(),
  source_image_id: z.string(),
  patient_id: z.string().nullable(),
  procedures: z.array(
    z.strictObject({
      procedure_id: z.string(),
      procedure_name: z.string(),
      visualization_id: z.string(),
      before_image_url: z.string(),
      after_image_url: z.string(),
      cost: z.number(),
      recovery_days: z.int(),
      risk_level: z.enum(RISK_LEVELS),
    }),
  ),
  cost_differences: z.record(z.string(), z.number()),
  recovery_differences: z.record(z.string(), z.int()),
  risk_differences: z.record(z.string(), z.string()),
  created_at: z.string(),
  metadata,
});

type Json = z.output<typeof metadata>;

/** A row as its clients know it. */
export function renderVisualization(
  row: Pick<
    typeof visualizations.$inferSelect,
    'id' | 'procedureId' | 'procedureName' | 'beforeKey' | 'afterKey'
  > &
    Pick<typeof visualizations.$inferSelect, 'promptUsed' | 'generatedAt' | 'confidenceScore'> & {
      patientId?: string | null | undefined;
      sheetKey?: string | null | undefined;
      metadata: unknown;
    },
): z.output<typeof visualizationOutput> {
  return {
    id: row.id,
    patient_id: row.patientId ?? null,
    procedure_id: row.procedureId,
    procedure_name: row.procedureName,
    before_image_url: filePath(row.beforeKey),
    after_image_url: filePath(row.afterKey),
    prompt_used: row.promptUsed,
    generated_at: row.generatedAt.toISOString(),
    confidence_score: row.confidenceScore,
    metadata: { ...(row.metadata as Json), ...(row.sheetKey && { sheet_url: filePath(row.sheetKey) }) },
  };
}

export function renderComparison(
  row: Omit<typeof comparisons.$inferSelect, 'tenant' | 'taskId'>,
): z.output<typeof comparisonOutput> {
  return {
    id: row.id,
    source_image_id: row.sourceImageId,
    patient_id: row.patientId,
    procedures: row.procedures.map(({ before_key, after_key, ...procedure }) => ({
      ...procedure,
      before_image_url: filePath(before_key),
      after_image_url: filePath(after_key),
    })),
    cost_differences: row.costDifferences,
    recovery_differences: row.recoveryDifferences,
    risk_differences: row.riskDifferences,
    created_at: row.createdAt.toISOString(),
    metadata: row.metadata as Json,
  };
}
