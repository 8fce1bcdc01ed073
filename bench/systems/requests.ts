import { readFile } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';
import type { Systems } from './deployment.ts';

/** A request of a system's client: `start` answers at once, `whole` when the task is done. */
export interface SystemRequest {
  what: string;
  start: { path: string; body: unknown };
  whole: { path: string; body: unknown };
}

const PHOTO = new URL('../../packs/visuals/samples/sample-face-a.jpg', import.meta.url);
const NOTE = new URL('../../packs/cards/samples/sample-note.json', import.meta.url);
const FILING = new URL('../../test/fixtures/filings/apple-10k-fy2025.html.gz', import.meta.url);
const TWO_MB = 2 * 1024 * 1024;

/** One request of every kind, once what they refer to is there. */
export async function prepareRequests({ post }: Systems): Promise<SystemRequest[]> {
  const form = new FormData();
  form.append('file', new Blob([await readFile(PHOTO)], { type: 'image/jpeg' }), 'sample.jpg');
  const [image, patient, cost] = await Promise.all([
    post<{ id: string }>('/visuals/api/images/upload', form),
    post<{ id: string }>('/visuals/api/profiles', PATIENT),
    post<{ id: string }>('/visuals/api/costs/estimate', { procedure_id: 'rhinoplasty' }),
  ]);
  const note = JSON.parse(await readFile(NOTE, 'utf8')) as unknown;
  const filing = { ticker: 'AAPL', filing_year: 2025, html_content: await readFiling() };
  const visual = (what: string, path: string, body: unknown): SystemRequest => {
    const query = path.includes('?') ? '&' : '?';
    return {
      what,
      start: { path: `${path}${query}async_processing=true`, body },
      whole: { path, body },
    };
  };
  return [
    {
      what: 'cards: a note',
      start: { path: '/cards/api/v1/clozeNotes', body: note },
      whole: { path: '/cards/api/v1/clozeNotes?async=false', body: note },
    },
    native('retros: a sync', '/retros/tasks/metrics/sync', 'retros.syncMetrics', { sprint_count: 20 }),
    native('retros: a report', '/retros/tasks/reports/generate', 'retros.generateReport', {
      sprint_count: 20,
    }),
    native('retros: a clean-up', '/v1/tasks/retros.cleanupReports', 'retros.cleanupReports', {}),
    visual('visuals: a preview', '/visuals/api/visualizations', {
      image_id: image.id,
      procedure_id: 'rhinoplasty',
    }),
    visual('visuals: a comparison', '/visuals/api/visualizations/compare', {
      source_image_id: image.id,
      procedure_ids: ['rhinoplasty', 'facelift'],
      patient_id: patient.id,
    }),
    visual('visuals: a PDF export', '/visuals/api/exports', { patient_id: patient.id, format: 'pdf' }),
    visual('visuals: an infographic', `/visuals/api/costs/${cost.id}/infographic?format=png`, {}),
    {
      what: 'filings: a 10-K of 2 MB',
      start: { path: '/filings/analyze', body: filing },
      whole: { path: '/filings/analyze?async_mode=false', body: filing },
    },
    native('filings: an index', '/filings/index', 'filings.index', filing),
    native('filings: a batch of two', '/filings/analyze/batch', 'filings.batchAnalyze', {
      filings: [
        { ticker: 'A', filing_year: 2024, html_content: SHORT },
        { ticker: 'A', filing_year: 2025, html_content: SHORT },
      ],
    }),
  ];
}

/** Where the system's own routes know no waiting, Lovage's does. */
const native = (what: string, path: string, name: string, body: unknown): SystemRequest => ({
  what,
  start: { path, body },
  whole: { path: `/v1/tasks/${name}?async=false`, body },
});

const PATIENT = {
  name: 'Sample Patient',
  date_of_birth: '1984-05-17',
  location: { zip_code: '10001' },
  insurance_info: { provider: 'Sample Health', policy_number: 'SAMPLE-0000' },
};

const SHORT = `<h1>Item 1A. Risk Factors</h1><p>${'A fire in our only plant could materially harm our results. '.repeat(40)}</p>`;

/** As long as the contract says; what follows the report's own end is prose without a heading. */
async function readFiling(): Promise<string> {
  const html = new TextDecoder('windows-1252').decode(gunzipSync(await readFile(FILING)));
  const missing = Math.max(0, TWO_MB - html.length);
  return `${html}<p>${'This exhibit repeats what the report says. '.repeat(Math.ceil(missing / 43))}</p>`;
}
