import { sql } from 'drizzle-orm';
import { defineTask, Discard, isTransient } from 'lovage';
import { z } from 'zod';
import { readEnvironment } from '../environment.ts';
import { costInfographics } from '../schema/index.ts';
import { keepArtefact, useArtefacts } from '../store/keep-artefact.ts';
import { openStore } from '../store/open.ts';
import { findCost } from './find-cost.ts';
import { drawInfographic, infographicSize } from './infographic/draw-infographic.ts';
import { presentCost } from './present-cost.ts';

const HOUR_MS = 60 * 60 * 1000;

/** Draws what a procedure costs. Drawn again, it is the same file in the same row. */
export const generateCostInfographic = defineTask({
  name: 'visuals.generateCostInfographic',
  queue: 'exports',
  input: z.object({
    cost_breakdown_id: z.string().min(1).max(100),
    format: z.enum(['png', 'jpeg']).default('png'),
  }),
  output: z.strictObject({
    cost_id: z.string(),
    format: z.enum(['png', 'jpeg']),
    width: z.int(),
    height: z.int(),
    file_key: z.string(),
  }),
  attempts: 4,
  backoff: { delaysMs: [60_000, 120_000, 240_000] },
  retryIf: isTransient,
  softLimitMs: 240_000,
  hardLimitMs: 300_000,
  resultTtlMs: HOUR_MS,
  isolation: 'process',
  async run({ input, id, tenant, db, signal, progress, onSettle }) {
    const { cost_breakdown_id, format } = input;
    const step = (current: number, message: string) => {
      signal.throwIfAborted();
      progress({ current, total: 100, message });
    };
    step(10, 'Reading the estimate');
    const cost = await findCost(db, tenant, cost_breakdown_id);
    if (!cost)
      throw new Discard(`Cost breakdown ${cost_breakdown_id} not found`, { code: 'CostBreakdownNotFound' });

    step(30, 'Drawing');
    const bytes = await drawInfographic(presentCost(cost), format);
    const contentType = format === 'png' ? 'image/png' : 'image/jpeg';
    const fileKey = await keepArtefact(db, openStore(), { bytes, contentType });

    step(90, 'Saving');
    const keepDays = readEnvironment().VISUALS_KEEP_DAYS;
    const drawn = { tenant, fileKey, taskId: id, drawnAt: sql`now()` };
    onSettle(async (tx) => {
      await useArtefacts(tx, [{ key: fileKey, tenant, owner: `infographic/${id}`, keepDays }]);
      await tx
        .insert(costInfographics)
        .values({ costId: cost.id, format, ...drawn })
        .onConflictDoUpdate({ target: [costInfographics.costId, costInfographics.format], set: drawn });
    });
    step(100, 'Drawn');
    return { cost_id: cost.id, format, ...infographicSize, file_key: fileKey };
  },
});
