import type { Stage } from '../stage.ts';

export interface RetroShown {
  headline: string;
  summary: string;
  hypotheses: { title: string; description: string; confidence: string }[];
  suggested_experiments: { title: string; description: string }[];
}

/** Sprint metrics fetched, a retrospective report of them, and the clean-up that a schedule starts every day. */
export async function playRetros({ get, post, follow, keep }: Stage): Promise<RetroShown> {
  const sync = await post<Accepted>('/retros/tasks/metrics/sync', { sprint_count: 6 });
  await follow('retros: sync the metrics', sync.task_id);
  const generate = await post<Accepted>('/retros/tasks/reports/generate', {
    sprint_count: 6,
    custom_context: 'Two people joined the team in the last sprint.',
  });
  const { result } = await follow('retros: write the report', generate.task_id);
  const { report_id } = result as { report_id: string };
  const report = (await (await get(`/retros/reports/${report_id}`)).json()) as RetroShown;
  await keep('retrospective.json', Buffer.from(JSON.stringify(report, null, 2)));
  const cleanup = await post<{ id: string }>('/v1/tasks/retros.cleanupReports', {});
  await follow('retros: remove old reports', cleanup.id);
  return report;
}

interface Accepted {
  task_id: string;
}
