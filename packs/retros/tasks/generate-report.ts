import { defineTask } from 'lovage';
import { z } from 'zod';
import { readEnvironment } from '../environment.ts';
import { focusNames, resolveMetric } from '../sprints/metrics.ts';
import { readNow } from '../store/clock.ts';
import { storeReport } from '../store/reports.ts';
import { loadSprints } from './load-sprints.ts';
import { policy } from './policy.ts';

const focus = z.enum(focusNames, { error: `must be one of ${focusNames.join(', ')}` });

/** An empty list of ids or metrics counts as none given, as it always did. */
export const generateReportInput = z.strictObject({
  sprint_count: z.int().min(2).max(20).nullable().default(null),
  sprint_ids: z.array(z.string().min(1).max(200)).max(100).nullable().default(null),
  custom_context: z.string().max(4000).nullable().default(null),
  focus_metrics: z.array(focus).max(focusNames.length).nullable().default(null),
});

export const generateReportOutput = z.strictObject({
  status: z.literal('success'),
  report_id: z.string(),
  headline: z.string(),
  sprints_analyzed: z.int(),
  hypotheses_count: z.int(),
  experiments_count: z.int(),
});

/** Reads what the numbers of some sprints say, and stores it with what may lie behind it and what a team may try. */
export const generateReport = defineTask({
  ...policy,
  name: 'retros.generateReport',
  queue: 'reports',
  input: generateReportInput,
  output: generateReportOutput,
  async run({ input, id, tenant, db, signal, progress, onSettle }) {
    const step = (current: number, message: string) => {
      signal.throwIfAborted();
      progress({ current, total: 100, message });
    };
    const sprints = await loadSprints(db, tenant, { ids: input.sprint_ids ?? [], count: input.sprint_count });
    const generatedAt = await readNow(db);
    step(10, 'Sprints loaded');

    // Loaded here, so that a process which makes no report does not load it.
    const { assembleReport, findHypotheses } = await import('../report/assemble.ts');
    const { readStatistics } = await import('../report/read-statistics.ts');
    const { writeText } = await import('../llm/write-text.ts');
    const statistics = readStatistics({
      sprints,
      focus: [...new Set((input.focus_metrics ?? []).map(resolveMetric))],
      customContext: input.custom_context?.trim() || null,
    });
    step(40, 'Statistics read');

    const findings = findHypotheses(statistics);
    step(60, 'Hypotheses found');

    const assembled = assembleReport(statistics, findings);
    const { metadata, ...text } = await writeText(assembled, readEnvironment(), signal);
    step(80, 'Text written');

    const report = {
      ...assembled,
      ...text,
      report_id: id,
      generated_at: generatedAt.toISOString(),
      metadata: { ...metadata, sources: [...new Set(sprints.map(({ data }) => data.source))] },
    };
    const sprintIds = sprints.map((sprint) => sprint.id);
    onSettle((tx) => storeReport(tx, { tenant, taskId: id, sprintIds, report }));
    step(100, 'Report saved');
    return {
      status: 'success' as const,
      report_id: id,
      headline: report.headline,
      sprints_analyzed: report.sprints_analyzed,
      hypotheses_count: report.hypotheses.length,
      experiments_count: report.suggested_experiments.length,
    };
  },
});
