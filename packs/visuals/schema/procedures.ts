import { sql } from 'drizzle-orm';
import { check, integer, text } from 'drizzle-orm/pg-core';
import { packVisuals } from './pack-schema.ts';

export const RISK_LEVELS = ['low', 'medium', 'high'] as const;
export type RiskLevel = (typeof RISK_LEVELS)[number];

export const BODY_REGIONS = [
  'nose',
  'eyes',
  'brow',
  'lips',
  'chin',
  'cheeks',
  'lower_face',
  'ears',
  'neck',
  'hairline',
  'face',
  'jaw',
] as const;
export type BodyRegion = (typeof BODY_REGIONS)[number];

/** Same for every tenant; its rows come with the migration. Costs are whole US dollars. */
export const procedures = packVisuals.table(
  'procedures',
  {
    id: text('id').primaryKey(),
    name: text('name').notNull().unique(),
    category: text('category').notNull(),
    description: text('description').notNull(),
    typicalCostMin: integer('typical_cost_min').notNull(),
    typicalCostMax: integer('typical_cost_max').notNull(),
    recoveryDays: integer('recovery_days').notNull(),
    riskLevel: text('risk_level').$type<RiskLevel>().notNull(),
    bodyRegion: text('body_region').$type<BodyRegion>().notNull(),
    /** What a painter is asked to change. */
    change: text('change').notNull(),
  },
  (t) => [
    check('procedures_costs', sql`${t.typicalCostMin} >= 0 AND ${t.typicalCostMax} >= ${t.typicalCostMin}`),
    check('procedures_risk', sql`${t.riskLevel} IN ('low', 'medium', 'high')`),
    check('procedures_recovery', sql`${t.recoveryDays} >= 0`),
  ],
);
