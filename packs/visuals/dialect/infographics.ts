import {
  resource,
  submits,
  type DialectReply,
  type DialectRequest,
  type DialectRoute,
  type InputOf,
  type OutputOf,
  type Rendered,
} from 'lovage';
import { z } from 'zod';
import { findCost, findInfographic } from '../costs/find-cost.ts';
import { generateCostInfographic } from '../costs/generate-infographic.ts';
import type { PixelFormat } from '../drawing/rasterize.ts';
import { costBreakdowns } from '../schema/index.ts';
import { acceptTask } from './accept-task.ts';
import { replyInfographic, replyPicture } from './present-infographic.ts';
import { refuseFailed, refuseMissing, refuseUnknown } from './refuse.ts';

type Input = InputOf<typeof generateCostInfographic>;

const format = z.enum(['png', 'jpeg']).default('png');
const query = z.object({ format });

const shared = {
  path: '/api/costs/{id}/infographic',
  kind: 'submit',
  task: generateCostInfographic,
  body: null,
  query,
  input: (_body: unknown, query: Record<string, unknown>, params: Record<string, string>): Input => ({
    cost_breakdown_id: params['id'] ?? '',
    format: query['format'] as PixelFormat,
  }),
} as const;

export const infographicRoutes: readonly DialectRoute[] = [
  submits({
    ...shared,
    method: 'get',
    summary: 'The infographic of an estimate, drawn where it is not yet; its bytes for who accepts images',
    sync: 'always',
    refuse: async (input, request) =>
      (await refuseUnknownCost(input, request)) ?? answerDrawn(input, request),
    accepted: (view) => acceptTask(view, 'Infographic started'),
    finished,
  }),
  submits({
    ...shared,
    method: 'post',
    summary: 'Draw the infographic of an estimate',
    sync: { parameter: 'async_processing', value: 'false', byDefault: true },
    refuse: refuseUnknownCost,
    accepted: (view) => acceptTask(view, 'Infographic started'),
    finished,
  }),
  resource({
    method: 'get',
    path: '/api/costs/{id}/infographic/image',
    summary: 'The picture that an infographic_url opens',
    kind: 'resource',
    access: 'link',
    query,
    answers: { 200: { contentType: 'image/*' } },
    reply: async ({ db, tenant, params, query }) => {
      const key = await findInfographic(db, { tenant, costId: params['id'] ?? '', format: query.format });
      return key === undefined ? refuseUnknown('Infographic') : replyPicture(key);
    },
  }),
];

async function refuseUnknownCost({ cost_breakdown_id: id }: Input, request: DialectRequest) {
  const cost = await findCost(request.db, request.tenant, id);
  return cost ? null : refuseMissing(request, costBreakdowns, { id, noun: 'Cost breakdown' });
}

/** An estimate never changes, so neither does its picture. */
async function answerDrawn(
  { cost_breakdown_id: costId, format = 'png' }: Input,
  request: DialectRequest,
): Promise<DialectReply | null> {
  const fileKey = await findInfographic(request.db, { tenant: request.tenant, costId, format });
  return fileKey === undefined ? null : replyInfographic(request, { costId, format, fileKey });
}

function finished(view: Rendered<OutputOf<typeof generateCostInfographic>>) {
  const { result } = view.task;
  if (!result) return refuseFailed(view);
  return replyInfographic(view, { costId: result.cost_id, format: result.format, fileKey: result.file_key });
}
