import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openLab, until, type Lab, type LabProcess } from '../lab.ts';
import { openReceiver, type Receiver } from '../wire/receiver.ts';
import { NODE_COMPILE_CACHE } from '../worker/processes.ts';
import type { WrittenSpan } from './fixtures/tracing-setup.ts';

const file = (name: string) => new URL(`./fixtures/${name}`, import.meta.url);
export const KEY = 'the-root-key-of-an-observed-system';

/** A real `serve` and a real `worker`, each with an SDK of OpenTelemetry, and somebody who gets webhooks. */
export interface ObservedSystem extends AsyncDisposable {
  lab: Lab;
  receiver: Receiver;
  worker: LabProcess;
  serve: LabProcess;
  apiUrl: string;
  workerUrl: string;
  /** One more worker. */
  startWorker(env: Record<string, string>): Promise<LabProcess>;
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Response>;
  scrape(url: string): Promise<string>;
  /** Spans of a trace, once they are as wanted. */
  spans(traceId: string, areAll: (spans: WrittenSpan[]) => boolean): Promise<WrittenSpan[]>;
}

export async function openObservedSystem(): Promise<ObservedSystem> {
  const lab = await openLab();
  const receiver = await openReceiver();
  const folder = await mkdtemp(join(tmpdir(), 'lovage-spans-'));
  const spansFile = join(folder, 'spans');
  const env = {
    NODE_COMPILE_CACHE,
    NODE_OPTIONS: `--import=${file('tracing-setup.ts').href}`,
    TEST_SPANS: spansFile,
    LOVAGE_CONFIG: file('observed.config.ts').pathname,
    LOVAGE_API_KEY: KEY,
    LOVAGE_SECRET: 'the-secret-of-an-observed-system-0123456789',
    LOVAGE_WEBHOOK_ALLOW: '127.0.0.1/32',
    PORT: '0',
  };
  const serve = await lab.spawn(['serve'], env);
  const apiUrl = await urlOf(serve);
  const worker = await lab.spawn(['worker'], { ...env, LOVAGE_METRICS_PORT: '0' });
  const workerUrl = await urlOf(worker);
  const authorization = `Bearer ${KEY}`;
  return {
    lab,
    receiver,
    worker,
    serve,
    apiUrl,
    workerUrl,
    startWorker: (more) => lab.spawn(['worker'], { ...env, ...more }),
    call: (method, path, body, headers = {}) =>
      fetch(`${apiUrl}${path}`, {
        method,
        headers: { authorization, ...headers },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      }),
    scrape: async (url) => (await fetch(`${url}/metrics`, { headers: { authorization } })).text(),
    spans: (traceId, areAll) =>
      until(async () => {
        const lines = (await readFile(spansFile, 'utf8').catch(() => '')).split('\n').filter(Boolean);
        return lines
          .map((line) => JSON.parse(line) as WrittenSpan)
          .filter((span) => span.traceId === traceId);
      }, areAll),
    async [Symbol.asyncDispose]() {
      await lab[Symbol.asyncDispose]();
      await receiver[Symbol.asyncDispose]();
      await rm(folder, { recursive: true });
    },
  };
}

async function urlOf({ output, child }: LabProcess): Promise<string> {
  const url = await until(
    () => /"url":"([^"]+)"/.exec(output())?.[1],
    (found) => found !== undefined || child.exitCode !== null,
    40_000,
  );
  if (url === undefined) throw new Error(`it did not start:\n${output()}`);
  return url;
}

/** The lines of a process's log that bear these fields. */
export const linesOf = ({ output }: LabProcess, wanted: Record<string, unknown>): Record<string, unknown>[] =>
  output()
    .split('\n')
    .filter((line) => line.startsWith('{') && line.endsWith('}'))
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    .filter((line) => Object.entries(wanted).every(([name, value]) => line[name] === value));
