import { sql } from 'drizzle-orm';
import {
  bigint,
  boolean,
  check,
  date,
  index,
  integer,
  jsonb,
  pgSchema,
  real,
  text,
  timestamp,
  unique,
  uuid,
} from 'drizzle-orm/pg-core';
import type { Report } from './report/schema.ts';
import type { MetricsData } from './sprints/sprint.ts';

export const packRetros = pgSchema('pack_retros');

const numbered = () => bigint('id', { mode: 'number' }).primaryKey().generatedAlwaysAsIdentity();
const tenant = () => text('tenant').notNull();
const moment = (name: string) => timestamp(name, { withTimezone: true }).notNull().defaultNow();
const reportId = () =>
  uuid('report_id')
    .notNull()
    .references(() => analysisReport.id, { onDelete: 'cascade' });

/** What a sprint was measured to be, once per tenant. */
export const metricsSnapshot = packRetros.table(
  'metrics_snapshots',
  {
    id: numbered(),
    tenant: tenant(),
    sprintId: text('sprint_id').notNull(),
    sprintName: text('sprint_name').notNull(),
    startDate: date('start_date', { mode: 'string' }).notNull(),
    endDate: date('end_date', { mode: 'string' }).notNull(),
    metricsData: jsonb('metrics_data').$type<MetricsData>().notNull(),
    fetchedAt: moment('fetched_at'),
    updatedAt: moment('updated_at'),
  },
  (t) => [
    unique('metrics_snapshots_sprint').on(t.tenant, t.sprintId),
    index('metrics_snapshots_latest').on(t.tenant, t.endDate, t.startDate, t.sprintId),
  ],
);

/** One report of one task: its id is the task's. */
export const analysisReport = packRetros.table(
  'analysis_reports',
  {
    id: uuid('id').primaryKey(),
    taskId: uuid('task_id').notNull().unique(),
    tenant: tenant(),
    reportDate: timestamp('report_date', { withTimezone: true }).notNull(),
    sprintIds: jsonb('sprint_ids').$type<string[]>().notNull(),
    headline: text('headline').notNull(),
    summary: text('summary').notNull(),
    reportData: jsonb('report_data').$type<Report>().notNull(),
    createdAt: moment('created_at'),
  },
  (t) => [index('analysis_reports_latest').on(t.tenant, t.reportDate, t.id)],
);

export const hypothesis = packRetros.table(
  'hypotheses',
  {
    id: numbered(),
    reportId: reportId(),
    tenant: tenant(),
    position: integer('position').notNull(),
    title: text('title').notNull(),
    description: text('description').notNull(),
    confidence: text('confidence').notNull(),
    confidenceScore: real('confidence_score').notNull(),
    evidence: jsonb('evidence').$type<string[]>().notNull(),
    potentialImpact: text('potential_impact').notNull(),
    affectedMetrics: jsonb('affected_metrics').$type<string[]>().notNull(),
  },
  (t) => [
    unique('hypotheses_of_report').on(t.reportId, t.position),
    check('hypotheses_score', sql`${t.confidenceScore} BETWEEN 0 AND 1`),
  ],
);

/** What a team may try; the columns after `expected_outcome` are for what came of it. */
export const experiment = packRetros.table(
  'experiments',
  {
    id: numbered(),
    reportId: reportId(),
    tenant: tenant(),
    position: integer('position').notNull(),
    title: text('title').notNull(),
    description: text('description').notNull(),
    rationale: text('rationale').notNull(),
    durationSprints: integer('duration_sprints').notNull(),
    successMetrics: jsonb('success_metrics').$type<string[]>().notNull(),
    implementationSteps: jsonb('implementation_steps').$type<string[]>().notNull(),
    expectedOutcome: text('expected_outcome').notNull(),
    status: text('status').notNull().default('suggested'),
    actualOutcome: text('actual_outcome'),
    resultsData: jsonb('results_data'),
    wasSuccessful: boolean('was_successful'),
    createdAt: moment('created_at'),
  },
  (t) => [
    unique('experiments_of_report').on(t.reportId, t.position),
    check('experiments_status', sql`${t.status} IN ('suggested', 'in_progress', 'completed', 'abandoned')`),
  ],
);
