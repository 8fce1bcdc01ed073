import { z } from 'zod';
import { reportSchema } from '../report/schema.ts';

const text = z.string();
const day = z.iso.date();
const time = z.iso.datetime();

/** What these routes answer, for the OpenAPI document. */
export const accepted = z.object({ task_id: text, status: text, message: text });
export const taskStatus = z.object({
  task_id: text,
  status: text,
  result: z.json().nullable(),
  error: text.nullable(),
  created_at: time,
});
export const revoked = z.object({ task_id: text, status: text, message: text });

export const snapshot = z.object({
  id: z.int(),
  sprint_id: text,
  sprint_name: text,
  start_date: day,
  end_date: day,
  metrics_data: z.record(text, z.json()),
  fetched_at: time,
  updated_at: time,
});
export const reportItem = z.object({
  id: text,
  report_date: time,
  headline: text,
  summary: text,
  sprint_ids: z.array(text),
  created_at: time,
});
export const fullReport = z.object({ ...reportItem.shape, ...reportSchema.shape });
export const deletedSprint = z.object({ status: z.literal('deleted'), sprint_id: text });
export const deletedReport = z.object({ status: z.literal('deleted'), report_id: text });
export const detail = z.object({ detail: text });
export const faults = z.object({
  detail: z.array(z.object({ loc: z.array(z.union([text, z.int()])), msg: text, type: text })),
});
