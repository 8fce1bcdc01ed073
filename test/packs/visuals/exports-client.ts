import { readdir } from 'node:fs/promises';
import { expect } from 'vitest';
import { until } from '../../lab.ts';
import type { PackLab } from '../pack-lab.ts';
import type { Wrapped } from './client.ts';
import { drawFace, FACES } from './draw-face.ts';

/** A sample: nobody. */
export const PROFILE = {
  name: 'Zoë Sample-Ιωάννου',
  date_of_birth: '1990-05-01',
  location: { zip_code: '02101', city: 'Sampletown', state: 'MA' },
  insurance_info: { provider: 'Sample Mutual', policy_number: 'POL-4711' },
  medical_history: 'Asthma as a child.',
};

export interface Export {
  id: string;
  patient_id: string;
  patient_name: string | null;
  format: string;
  shareable: boolean;
  created_at: string;
  status: string;
  download_url: string;
  metadata: { download_url: string; content_type: string; size_bytes: number };
}

export interface Cost {
  id: string;
  procedure_name: string;
  fees: Record<string, number>;
  total_cost: number;
  coverage: { insurance_pays: number; patient_pays: number };
  payment_plans: unknown[];
}

export interface Drawn {
  cost_id: string;
  infographic_url: string;
  format: string;
  width: number;
  height: number;
}

export interface Status {
  task_id: string;
  status_url: string;
  state: string;
  ready: boolean;
  progress: number;
  result: Wrapped<Export>;
  error: string;
}

/** What a client has done before it exports: a patient with a preview, a comparison and an estimate. */
export async function preparePatient(lab: PackLab, base: string) {
  const form = new FormData();
  form.append('file', new Blob([Buffer.from(await drawFace(FACES.a))], { type: 'image/jpeg' }), 'face.jpg');
  const made = async <Body = { id: string }>(path: string, body: unknown): Promise<Body> => {
    const answer = await lab.call<Body>(base, path, { body });
    expect(answer.status, `${path}: ${JSON.stringify(answer.body)}`).toBeLessThan(300);
    return answer.body;
  };
  const [patient, image] = await Promise.all([
    made('/api/profiles', PROFILE),
    made('/api/images/upload', form),
  ]);
  const patient_id = patient.id;
  const [visualization, comparison, cost] = await Promise.all([
    made('/api/visualizations', { image_id: image.id, procedure_id: 'rhinoplasty', patient_id }),
    made('/api/visualizations/compare', {
      source_image_id: image.id,
      procedure_ids: ['rhinoplasty', 'otoplasty'],
      patient_id,
    }),
    made<Cost>('/api/costs/estimate', {
      procedure_id: 'rhinoplasty',
      patient_id,
      insurance: { coverage_percent: 50 },
    }),
  ]);
  return { patient, visualization, comparison, cost };
}

/** Asks for the status until it is the last one. */
export const followTask = async (lab: PackLab, base: string, id: string): Promise<Status> =>
  until(
    async () => (await lab.call<Status>(base, `/api/tasks/${id}/status`)).body,
    ({ ready }) => ready,
    40_000,
  );

/** Starts a task, and returns its id once it cannot go on before it may write to this table. */
export async function startAndWaitFor(
  { lab }: PackLab,
  table: string,
  start: () => Promise<{ body: { task_id: string } }>,
): Promise<string> {
  const { body } = await start();
  const waits = () =>
    lab.sql(`SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 'pack_visuals.${table}'::regclass`);
  await until(waits, (found) => found.length > 0);
  return body.task_id;
}

/** Files that belong to nothing. */
export async function unreferenced({ lab }: PackLab, folder: string): Promise<string[]> {
  const files = (await readdir(folder, { recursive: true })).filter((name) => name.includes('.'));
  const uses = await lab.sql<{ key: string }>('SELECT key FROM pack_visuals.artefact_uses');
  const used = new Set(uses.map(({ key }) => key));
  return files.map((name) => name.slice(name.indexOf('/') + 1)).filter((key) => !used.has(key));
}
