import {
  submits,
  type DialectReply,
  type DialectRequest,
  type DialectRoute,
  type InputOf,
  type OutputOf,
  type Rendered,
} from 'lovage';
import { z } from 'zod';
import { findInfographic } from '../costs/find-infographic.ts';
import { generateCostInfographic } from '../costs/generate-infographic.ts';
import { fileKeyOf, renderInfographic } from '../costs/render-infographic.ts';
import type { PixelFormat } from '../drawing/rasterize.ts';
import { findOwned } from '../rows/find-owned.ts';
import { costBreakdowns } from '../schema/index.ts';
import { openStore } from '../store/open.ts';
import { renderAccepted, sync } from './accepted.ts';
import { refuse, refuseMissing, renderFailure } from './errors.ts';
import { signLinks } from './links.ts';

type Input = InputOf<typeof generateCostInfographic>;

const shared = {
  path: '/api/costs/{id}/infographic',
  kind: 'submit',
  task: generateCostInfographic,
  body: null,
  query: z.object({ format: z.enum(['png', 'jpeg']).default('png') }),
  input: (_body: unknown, query: Record<string, unknown>, params: Record<string, string>): Input => ({
    cost_breakdown_id: params['id'] ?? '',
    format: query['format'] as PixelFormat,
  }),
  accepted: renderAccepted('Infographic'),
  finished: (view: Rendered<OutputOf<typeof generateCostInfographic>>) =>
    view.task.result === null ? renderFailure(view) : replyDrawn(view, view.task.result),
} as const;

export const infographicRoutes: readonly DialectRoute[] = [
  submits({
    ...shared,
    method: 'get',
    summary: 'The infographic of an estimate, drawn where it is not yet; its bytes for who accepts images',
    sync: 'always',
    refuse: async (input, request) => (await refuseUnknown(input, request)) ?? answerDrawn(input, request),
  }),
  submits({
    ...shared,
    method: 'post',
    summary: 'Draw the infographic of an estimate',
    sync,
    refuse: refuseUnknown,
  }),
];

async function refuseUnknown(
  { cost_breakdown_id: id }: Input,
  { db, tenant }: DialectRequest,
): Promise<DialectReply | null> {
  const cost = await findOwned(db, costBreakdowns, { id, tenant });
  return 'missing' in cost ? refuseMissing('Cost breakdown', cost.missing) : null;
}

/** An estimate never changes, so neither does its picture. */
async function answerDrawn(
  { cost_breakdown_id: costId, format = 'png' }: Input,
  request: DialectRequest,
): Promise<DialectReply | null> {
  const fileKey = await findInfographic(request.db, { tenant: request.tenant, costId, format });
  return fileKey === undefined ? null : replyDrawn(request, renderInfographic({ costId, format, fileKey }));
}

/** The picture itself for who asks for images, else where it is. */
async function replyDrawn(
  request: DialectRequest,
  drawn: OutputOf<typeof generateCostInfographic>,
): Promise<DialectReply> {
  const headers = { Vary: 'Accept' };
  if (!/\bimage\//i.test(request.header('accept') ?? ''))
    return { status: 200, body: signLinks(request, drawn), headers };
  const file = await openStore().get(fileKeyOf(drawn));
  if (!file) return refuse(404, 'The file of this infographic is no longer kept');
  return { status: 200, body: file.bytes, headers: { ...headers, 'Content-Type': file.contentType } };
}
