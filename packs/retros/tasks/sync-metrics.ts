import { defineTask, Discard } from 'lovage';
import { z } from 'zod';
import { readEnvironment } from '../environment.ts';
import { openSource } from '../sources/open-source.ts';
import { byTime } from '../sprints/order.ts';
import { findStored, storeSprints } from '../store/snapshots.ts';
import { policy } from './policy.ts';

export const sprintCount = z.int().min(1).max(20);
export const teamId = z.string().trim().min(1).max(200);

export const syncMetricsInput = z.strictObject({
  sprint_count: sprintCount.default(5),
  team_id: teamId.nullable().default(null),
  force_refresh: z.boolean().default(false),
  /** false: a source in trouble fails the task at once, for callers that wait for its outcome. */
  retry: z.boolean().default(true),
});

const number = z.int().min(0);
export const syncMetricsOutput = z.strictObject({
  status: z.literal('success'),
  sprints_fetched: number,
  created: number,
  updated: number,
  skipped: number,
  /** `demo` where no source is configured. */
  source: z.enum(['api', 'folder', 'demo']).nullable(),
  sprint_ids: z.array(z.string()),
});

/** Fetches the latest sprints. What is stored already is left alone unless `force_refresh`. */
export const syncMetrics = defineTask({
  ...policy,
  name: 'retros.syncMetrics',
  queue: 'metrics',
  input: syncMetricsInput,
  output: syncMetricsOutput,
  async run({ input, tenant, db, signal, onSettle }) {
    const source = openSource(readEnvironment());
    const query = { count: input.sprint_count, teamId: input.team_id, signal };
    const fetched = await source.fetchSprints(query).catch((error: unknown) => {
      throw input.retry || signal.aborted ? error : giveUp(error);
    });
    const sprints = fetched.sort(byTime).slice(-input.sprint_count);
    const sprintIds = sprints.map(({ id }) => id);
    const stored = await findStored(db, tenant, sprintIds);

    onSettle((tx) => storeSprints(tx, { tenant, sprints, replace: input.force_refresh }));
    return {
      status: 'success' as const,
      sprints_fetched: sprints.length,
      created: sprints.length - stored.size,
      updated: input.force_refresh ? stored.size : 0,
      skipped: input.force_refresh ? 0 : stored.size,
      source: sprints[0]?.data.source ?? null,
      sprint_ids: sprintIds,
    };
  },
});

function giveUp(cause: unknown): unknown {
  if (!(cause instanceof Error) || !('code' in cause) || typeof cause.code !== 'string') return cause;
  return new Discard(cause.message, { code: cause.code, cause });
}
