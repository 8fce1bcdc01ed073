import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach } from 'vitest';
import { until } from '../../../lab.ts';
import { cyberRisk, lawsuitRisk, makeFiling, supplyRisk } from '../../filings-analysis/filing.ts';
import { openPackLab, type PackAnswer, type PackLab } from '../../pack-lab.ts';
import { ModelService } from '../model-service.ts';

const body = [supplyRisk, lawsuitRisk, cyberRisk].map(
  (risk) => `<p><b>${risk.slice(0, risk.indexOf('. ') + 1)}</b></p><p>${risk}</p>`,
);
export const html_content = makeFiling({
  heading: '<p><b>Item 1A. Risk Factors</b></p>',
  body: body.join(''),
});
export const filing = (ticker: string, filing_year = 2020) => ({ ticker, filing_year, html_content });
export const unreadable = { ticker: 'ACME', filing_year: 2021, html_content: '<html><body></body></html>' };
export const UNKNOWN = '00000000-0000-7000-8000-000000000000';

export interface Submitted {
  task_id: string;
  status_url: string;
  message: string;
}
export interface Status {
  task_id: string;
  status: string;
  progress: { current: number; total: number | null; status: string | null } | null;
  result: { risks: object[]; metadata: Record<string, unknown> } | null;
  error: string | null;
}
export interface Invalid {
  detail: { loc: unknown[]; msg: string; type: string }[];
}

/** A client of this system, and what stands around it. */
export class Client {
  service!: ModelService;
  /** `FILINGS_DIR` is `filings` in it. */
  folder!: string;
  lab!: PackLab;

  /** As its clients do: the key in X-API-Key. */
  call<Body = unknown>(
    path: string,
    sent?: unknown,
    { base = this.lab.url('filings').prefix, key = this.lab.key }: { base?: string; key?: string } = {},
  ): Promise<PackAnswer<Body>> {
    const headers = { 'x-api-key': key };
    return this.lab.call<Body>(base, path, {
      key: null,
      headers,
      ...(sent === undefined ? {} : { body: sent }),
    });
  }

  /** Lovage's own API. */
  native<Body = unknown>(path: string, sent?: unknown): Promise<PackAnswer<Body>> {
    const { origin } = new URL(this.lab.url('filings').prefix);
    return this.lab.call<Body>(origin, path, sent === undefined ? {} : { body: sent });
  }

  async statusOf(id: string): Promise<Status> {
    return (await this.call<Status>(`/tasks/${id}`)).body;
  }

  reaches(id: string, word: string): Promise<Status> {
    return until(
      () => this.statusOf(id),
      ({ status }) => status === word,
    );
  }
}

/** One server and one worker for all tests of the file that calls it. */
export function openClient(): Client {
  const client = new Client();
  beforeAll(async () => {
    client.service = await ModelService.open();
    client.folder = await mkdtemp(join(tmpdir(), 'lovage-filings-'));
    await mkdir(join(client.folder, 'filings'));
    client.lab = await openPackLab({
      env: {
        FILINGS_DIR: join(client.folder, 'filings'),
        FILINGS_DEFAULT_SYNC: '',
        EMBEDDINGS_URL: client.service.url,
        CLASSIFIER_URL: '',
        GOOGLE_API_KEY: '',
      },
    });
  }, 60_000);
  beforeEach(() => client.service.reset());
  afterAll(async () => {
    await client.lab[Symbol.asyncDispose]();
    await client.service[Symbol.asyncDispose]();
    await rm(client.folder, { recursive: true, force: true });
  });
  return client;
}
