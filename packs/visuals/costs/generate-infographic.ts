import { sql } from 'drizzle-orm';
import { defineTask, Discard } from 'lovage';
import { z } from 'zod';
import { readEnvironment } from '../environment.ts';
import { policy } from '../previews/policy.ts';
import { findOwned } from '../rows/find-owned.ts';
import { costBreakdowns, costInfographics } from '../schema/index.ts';
import { keepArtefact, useArtefacts } from '../store/keep-artefact.ts';
import { openStore } from '../store/open.ts';
import { drawInfographic } from './infographic/draw-infographic.ts';
import { renderCost } from './render-cost.ts';
import { infographicOutput, renderInfographic } from './render-infographic.ts';

/** Draws what a procedure costs. Drawn again, it is the same file in the same row. */
export const generateCostInfographic = defineTask({
  name: 'visuals.generateCostInfographic',
  queue: 'exports',
  input: z.object({
    cost_breakdown_id: z.string().min(1).max(100),
    format: z.enum(['png', 'jpeg']).default('png'),
  }),
  output: infographicOutput,
  ...policy,
  async run({ input, id, tenant, db, signal, progress, onSettle }) {
    const { cost_breakdown_id, format } = input;
    const step = (current: number, message: string) => {
      signal.throwIfAborted();
      progress({ current, total: 100, message });
    };
    step(10, 'Reading the estimate');
    const found = await findOwned(db, costBreakdowns, { id: cost_breakdown_id, tenant });
    if ('missing' in found)
      throw new Discard(`Cost breakdown ${cost_breakdown_id} not found`, { code: 'CostBreakdownNotFound' });

    step(30, 'Drawing');
    const bytes = await drawInfographic(renderCost(found.row), format);
    const contentType = format === 'png' ? 'image/png' : 'image/jpeg';
    const fileKey = await keepArtefact(db, openStore(), { bytes, contentType });

    step(90, 'Saving');
    const keepDays = readEnvironment().VISUALS_KEEP_DAYS;
    const drawn = { tenant, fileKey, taskId: id, drawnAt: sql`now()` };
    onSettle(async (tx) => {
      await useArtefacts(tx, [{ key: fileKey, tenant, owner: `infographic/${id}`, keepDays }]);
      await tx
        .insert(costInfographics)
        .values({ costId: found.row.id, format, ...drawn })
        .onConflictDoUpdate({ target: [costInfographics.costId, costInfographics.format], set: drawn });
    });
    step(100, 'Drawn');
    return renderInfographic({ costId: found.row.id, format, fileKey });
  },
});
