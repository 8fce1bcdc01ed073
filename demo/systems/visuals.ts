import { readFile } from 'node:fs/promises';
import type { Stage } from '../stage.ts';

const PHOTO = new URL('../../packs/visuals/samples/sample-face-a.jpg', import.meta.url);
const PATIENT = {
  name: 'Sample Patient',
  date_of_birth: '1984-05-17',
  location: { zip_code: '10001', city: 'New York', state: 'NY' },
  insurance_info: { provider: 'Sample Health', policy_number: 'SAMPLE-0000' },
};
const FORMATS = ['pdf', 'png', 'jpeg', 'json'] as const;

export interface Picture {
  file: string;
  title: string;
}

export interface VisualsShown {
  preview: Picture;
  comparison: Picture[];
  exports: Record<(typeof FORMATS)[number], string>;
  infographic: Picture;
}

/** A photo, previews of procedures on it, what one costs, and the patient's report in four formats. */
export async function playVisuals(stage: Stage): Promise<VisualsShown> {
  const { post } = stage;
  const form = new FormData();
  form.append('file', new Blob([await readFile(PHOTO)], { type: 'image/jpeg' }), 'sample.jpg');
  const image = await post<{ id: string }>('/visuals/api/images/upload', form);
  const patient = await post<{ id: string }>('/visuals/api/profiles', PATIENT);
  const cost = await post<{ id: string }>('/visuals/api/costs/estimate', {
    procedure_id: 'rhinoplasty',
    patient_id: patient.id,
    insurance: { coverage_percent: 40, deductible: 1_000 },
  });
  const subject = { imageId: image.id, patientId: patient.id };
  const [preview, comparison, infographic] = await Promise.all([
    playPreview(stage, subject),
    playComparison(stage, subject),
    playInfographic(stage, cost.id),
  ]);
  const exports = await Promise.all(FORMATS.map((format) => playExport(stage, patient.id, format)));
  return {
    preview,
    comparison,
    infographic,
    exports: Object.fromEntries(
      FORMATS.map((format, place) => [format, exports[place]]),
    ) as VisualsShown['exports'],
  };
}

interface Subject {
  imageId: string;
  patientId: string;
}

interface Accepted {
  task_id: string;
}

interface Preview {
  after_image_url: string;
  /** Before and after beside each other, where the painter makes such a sheet. */
  metadata: { sheet_url?: string };
}

interface Compared {
  procedure_name: string;
  after_image_url: string;
}

async function playPreview(
  { post, get, follow, keep }: Stage,
  { imageId, patientId }: Subject,
): Promise<Picture> {
  const { task_id } = await post<Accepted>('/visuals/api/visualizations?async_processing=true', {
    image_id: imageId,
    procedure_id: 'rhinoplasty',
    patient_id: patientId,
  });
  await follow('visuals: preview', task_id);
  const preview = await resultOf<Preview>(get, task_id);
  await keep('preview.jpg', preview.metadata.sheet_url ?? preview.after_image_url);
  return { file: 'preview.jpg', title: 'Preview of one procedure' };
}

async function playComparison(stage: Stage, { imageId, patientId }: Subject): Promise<Picture[]> {
  const { post, get, follow, keep } = stage;
  const { task_id } = await post<Accepted>('/visuals/api/visualizations/compare?async_processing=true', {
    source_image_id: imageId,
    procedure_ids: ['blepharoplasty', 'lip-augmentation'],
    patient_id: patientId,
  });
  await follow('visuals: comparison', task_id);
  const { procedures } = await resultOf<{ procedures: Compared[] }>(get, task_id);
  return Promise.all(
    procedures.map(async ({ procedure_name, after_image_url }, place) => {
      const file = `comparison-${place + 1}.jpg`;
      await keep(file, after_image_url);
      return { file, title: `Compared: ${procedure_name}` };
    }),
  );
}

async function playInfographic({ post, get, follow, keep }: Stage, costId: string): Promise<Picture> {
  const drawn = await Promise.all(
    (['png', 'jpeg'] as const).map(async (format) => {
      const path = `/visuals/api/costs/${costId}/infographic?format=${format}&async_processing=true`;
      const { task_id } = await post<Accepted>(path, {});
      await follow(`visuals: infographic as ${format}`, task_id);
      const { infographic_url } = await resultOf<{ infographic_url: string }>(get, task_id);
      const file = `infographic.${format === 'jpeg' ? 'jpg' : format}`;
      await keep(file, infographic_url);
      return file;
    }),
  );
  return { file: drawn[0] ?? '', title: 'What it costs' };
}

async function playExport(
  { post, get, follow, keep }: Stage,
  patientId: string,
  format: string,
): Promise<string> {
  const { task_id } = await post<Accepted>('/visuals/api/exports?async_processing=true', {
    patient_id: patientId,
    format,
  });
  await follow(`visuals: report as ${format}`, task_id);
  const { download_url } = await resultOf<{ download_url: string }>(get, task_id);
  const file = `report.${format === 'jpeg' ? 'jpg' : format}`;
  await keep(file, download_url);
  return file;
}

/** As the system's own route tells it: its links are signed. */
async function resultOf<Result>(get: Stage['get'], taskId: string): Promise<Result> {
  const response = await get(`/visuals/api/tasks/${taskId}/result`);
  const { result } = (await response.json()) as { result: { result: Result } };
  return result.result;
}
