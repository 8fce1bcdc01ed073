import { sql } from 'drizzle-orm';
import { check, index, integer, jsonb, primaryKey, text, timestamp, uuid } from 'drizzle-orm/pg-core';
import type { Coverage, Fees, PaymentPlan } from '../costs/estimate.ts';
import type { Region } from '../costs/assumptions.ts';
import { packVisuals } from './pack-schema.ts';
import { patientProfiles } from './patients.ts';
import { procedures } from './procedures.ts';

/** An estimate as it was made; it never changes. Whole US dollars. */
export const costBreakdowns = packVisuals.table(
  'cost_breakdowns',
  {
    id: uuid('id').primaryKey(),
    tenant: text('tenant').notNull(),
    patientId: uuid('patient_id').references(() => patientProfiles.id),
    procedureId: text('procedure_id')
      .notNull()
      .references(() => procedures.id),
    procedureName: text('procedure_name').notNull(),
    region: text('region').$type<Region>().notNull(),
    fees: jsonb('fees').$type<Fees>().notNull(),
    totalCost: integer('total_cost').notNull(),
    totalMin: integer('total_min').notNull(),
    totalMax: integer('total_max').notNull(),
    coverage: jsonb('coverage').$type<Coverage>().notNull(),
    paymentPlans: jsonb('payment_plans').$type<PaymentPlan[]>().notNull(),
    assumptions: jsonb('assumptions').$type<string[]>().notNull(),
    createdAt: timestamp('created_at', { withTimezone: true }).notNull().defaultNow(),
  },
  (t) => [
    index('cost_breakdowns_of_patient').on(t.patientId, t.createdAt),
    check('cost_breakdowns_total', sql`${t.totalCost} >= 0`),
  ],
);

/** The picture of an estimate, in each format the last one that was drawn. */
export const costInfographics = packVisuals.table(
  'cost_infographics',
  {
    costId: uuid('cost_id')
      .notNull()
      .references(() => costBreakdowns.id),
    format: text('format').$type<'png' | 'jpeg'>().notNull(),
    tenant: text('tenant').notNull(),
    fileKey: text('file_key').notNull(),
    taskId: uuid('task_id').notNull(),
    drawnAt: timestamp('drawn_at', { withTimezone: true }).notNull().defaultNow(),
  },
  (t) => [primaryKey({ columns: [t.costId, t.format] })],
);
