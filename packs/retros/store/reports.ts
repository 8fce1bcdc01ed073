import { and, desc, eq } from 'drizzle-orm';
import type { NodePgDatabase } from 'drizzle-orm/node-postgres';
import type { Report } from '../report/schema.ts';
import { analysisReport, experiment, hypothesis } from '../schema.ts';

export type StoredReport = typeof analysisReport.$inferSelect;

const one = (tenant: string, id: string) => and(eq(analysisReport.tenant, tenant), eq(analysisReport.id, id));

/** Writes a report with its hypotheses and experiments. A task that runs once more puts its report in the place of the old one. */
export async function storeReport(
  db: NodePgDatabase,
  {
    tenant,
    taskId,
    sprintIds,
    report,
  }: { tenant: string; taskId: string; sprintIds: string[]; report: Report },
): Promise<void> {
  const { report_id: reportId, headline, summary } = report;
  await db.delete(analysisReport).where(eq(analysisReport.taskId, taskId));
  await db.insert(analysisReport).values({
    id: reportId,
    taskId,
    tenant,
    reportDate: new Date(report.generated_at),
    sprintIds,
    headline,
    summary,
    reportData: report,
  });
  const hypotheses = report.hypotheses.map((row, position) => ({
    reportId,
    tenant,
    position,
    title: row.title,
    description: row.description,
    confidence: row.confidence,
    confidenceScore: row.confidence_score,
    evidence: row.evidence,
    potentialImpact: row.potential_impact,
    affectedMetrics: row.affected_metrics,
  }));
  const experiments = report.suggested_experiments.map((row, position) => ({
    reportId,
    tenant,
    position,
    title: row.title,
    description: row.description,
    rationale: row.rationale,
    durationSprints: row.duration_sprints,
    successMetrics: row.success_metrics,
    implementationSteps: row.implementation_steps,
    expectedOutcome: row.expected_outcome,
  }));
  if (hypotheses.length > 0) await db.insert(hypothesis).values(hypotheses);
  if (experiments.length > 0) await db.insert(experiment).values(experiments);
}

/** The latest first. */
export async function listReports(
  db: NodePgDatabase,
  tenant: string,
  { limit, offset }: { limit: number; offset: number },
): Promise<Omit<StoredReport, 'reportData'>[]> {
  const { id, taskId, reportDate, headline, summary, sprintIds, createdAt } = analysisReport;
  return db
    .select({
      id,
      taskId,
      tenant: analysisReport.tenant,
      reportDate,
      headline,
      summary,
      sprintIds,
      createdAt,
    })
    .from(analysisReport)
    .where(eq(analysisReport.tenant, tenant))
    .orderBy(desc(reportDate), desc(id))
    .limit(limit)
    .offset(offset);
}

export async function readReport(
  db: NodePgDatabase,
  tenant: string,
  id: string,
): Promise<StoredReport | null> {
  const [row] = await db.select().from(analysisReport).where(one(tenant, id));
  return row ?? null;
}

/** Whether there was one. Its hypotheses and experiments go with it. */
export async function deleteReport(db: NodePgDatabase, tenant: string, id: string): Promise<boolean> {
  const gone = await db.delete(analysisReport).where(one(tenant, id)).returning({ id: analysisReport.id });
  return gone.length > 0;
}
