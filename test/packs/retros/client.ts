import { until } from '../../lab.ts';
import type { PackAnswer, PackCall, PackLab } from '../pack-lab.ts';

export interface Accepted {
  task_id: string;
  status: string;
  message: string;
}
export interface Status {
  task_id: string;
  status: string;
  result: Record<string, unknown> | null;
  error: string | null;
  created_at: string;
}
export interface Detail {
  detail: { loc: unknown[]; msg: string; type: string }[] | string;
}
export interface Report {
  id: string;
  report_id: string;
  headline: string;
  summary: string;
  report_date: string;
  sprint_ids: string[];
  hypotheses: { confidence: string }[];
  suggested_experiments: unknown[];
}
export interface Snapshot {
  id: number;
  sprint_id: string;
  metrics_data: Record<string, unknown>;
}

const PATIENCE_MS = 50_000;

/** A client of the old system, at the port where it always called. */
export interface Client {
  call: <Body>(path: string, more?: PackCall) => Promise<PackAnswer<Body>>;
  post: <Body>(path: string, body?: unknown, more?: PackCall) => Promise<PackAnswer<Body>>;
  status: (id: string) => Promise<Status>;
  becomes: (id: string, state: string) => Promise<Status>;
  finish: (id: string) => Promise<Status>;
}

export function openClient(lab: PackLab): Client {
  const { own } = lab.url('retros');
  const client: Client = {
    call: (path, more) => lab.call(own, path, more),
    post: (path, body = {}, more = {}) => client.call(path, { ...more, method: 'POST', body }),
    status: async (id) => (await client.call<Status>(`/tasks/status/${id}`)).body,
    becomes: (id, state) =>
      until(
        () => client.status(id),
        (seen) => seen.status === state,
      ),
    finish: (id) =>
      until(
        () => client.status(id),
        (seen) => ['SUCCESS', 'FAILURE', 'REVOKED'].includes(seen.status),
        PATIENCE_MS,
      ),
  };
  return client;
}
