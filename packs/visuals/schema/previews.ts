import { sql } from 'drizzle-orm';
import { check, doublePrecision, index, jsonb, text, timestamp, uuid } from 'drizzle-orm/pg-core';
import { images } from './images.ts';
import { packVisuals } from './pack-schema.ts';
import { patientProfiles } from './patients.ts';
import { procedures, type RiskLevel } from './procedures.ts';

/** A preview of one procedure. Its id follows from its task's. */
export const visualizations = packVisuals.table(
  'visualizations',
  {
    id: uuid('id').primaryKey(),
    tenant: text('tenant').notNull(),
    taskId: uuid('task_id').notNull(),
    imageId: uuid('image_id')
      .notNull()
      .references(() => images.id),
    patientId: uuid('patient_id').references(() => patientProfiles.id),
    procedureId: text('procedure_id')
      .notNull()
      .references(() => procedures.id),
    procedureName: text('procedure_name').notNull(),
    beforeKey: text('before_key').notNull(),
    afterKey: text('after_key').notNull(),
    /** Both beside each other; only what was composed has one. */
    sheetKey: text('sheet_key'),
    promptUsed: text('prompt_used').notNull(),
    confidenceScore: doublePrecision('confidence_score').notNull(),
    metadata: jsonb('metadata').$type<Record<string, unknown>>().notNull(),
    generatedAt: timestamp('generated_at', { withTimezone: true }).notNull(),
  },
  (t) => [
    index('visualizations_of_patient').on(t.patientId, t.generatedAt),
    check('visualizations_confidence', sql`${t.confidenceScore} BETWEEN 0 AND 1`),
  ],
);

export interface ComparedProcedure {
  procedure_id: string;
  procedure_name: string;
  visualization_id: string;
  before_key: string;
  after_key: string;
  cost: number;
  recovery_days: number;
  risk_level: RiskLevel;
}

/** Two or more procedures on one photo; differences are keyed `X_vs_Y` by name. */
export const comparisons = packVisuals.table(
  'comparisons',
  {
    id: uuid('id').primaryKey(),
    tenant: text('tenant').notNull(),
    taskId: uuid('task_id').notNull(),
    sourceImageId: uuid('source_image_id')
      .notNull()
      .references(() => images.id),
    patientId: uuid('patient_id').references(() => patientProfiles.id),
    procedures: jsonb('procedures').$type<ComparedProcedure[]>().notNull(),
    costDifferences: jsonb('cost_differences').$type<Record<string, number>>().notNull(),
    recoveryDifferences: jsonb('recovery_differences').$type<Record<string, number>>().notNull(),
    riskDifferences: jsonb('risk_differences').$type<Record<string, string>>().notNull(),
    metadata: jsonb('metadata').$type<Record<string, unknown>>().notNull(),
    createdAt: timestamp('created_at', { withTimezone: true }).notNull(),
  },
  (t) => [index('comparisons_of_patient').on(t.patientId, t.createdAt)],
);
