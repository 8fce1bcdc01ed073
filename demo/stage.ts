import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createClient, type Client, type Task } from '../src/client/index.ts';
import type config from '../lovage.config.ts';
import type { Board } from './board.ts';

/** A task that was shown, for the page. */
export interface Played {
  label: string;
  name: string;
  ms: number;
}

/** What a system's part of the demo acts upon: the running server, by plain HTTP as its old clients would. */
export interface Stage {
  /** @throws unless the answer is a success. */
  get: (path: string) => Promise<Response>;
  /** Sends JSON, or a form as it is. @throws unless the answer is a success. */
  post: <Answer>(path: string, body: unknown) => Promise<Answer>;
  /** Draws a task's progress until its end. @throws unless it succeeds. */
  follow: (label: string, id: string) => Promise<Task>;
  /** Saves what a path serves, or these bytes, under `out/`. */
  keep: (file: string, from: string | Uint8Array) => Promise<void>;
  readonly played: readonly Played[];
}

export function openStage(server: { url: string; key: string }, board: Board, folder: string): Stage {
  const client: Client<typeof config> = createClient<typeof config>({ url: server.url, apiKey: server.key });
  const played: Played[] = [];
  const call = async (path: string, init: RequestInit = {}): Promise<Response> => {
    const headers = { authorization: `Bearer ${server.key}`, ...(init.headers as Record<string, string>) };
    const response = await fetch(new URL(path, server.url), { ...init, headers });
    if (!response.ok)
      throw new Error(`${init.method ?? 'GET'} ${path}: ${response.status} ${await response.text()}`);
    return response;
  };
  return {
    played,
    get: call,
    async post<Answer>(path: string, body: unknown) {
      const content =
        body instanceof FormData
          ? { body }
          : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
      const response = await call(path, { method: 'POST', ...content });
      return (await response.json()) as Answer;
    },
    async follow(label, id) {
      const startedAt = performance.now();
      let progress: Task['progress'] = null;
      board.show(label, 'queued', progress);
      for await (const update of client.watch(id)) {
        if (update.type === 'progress') progress = update.progress;
        if (update.type !== 'end') {
          board.show(label, 'running', progress);
          continue;
        }
        const { task } = update;
        board.show(label, task.state, task.progress);
        if (task.state !== 'succeeded') throw new Error(`${label}: ${task.error?.message ?? task.state}`);
        played.push({ label, name: task.name, ms: Math.round(performance.now() - startedAt) });
        return task;
      }
      throw new Error(`${label}: its stream ended before it did`);
    },
    async keep(file, from) {
      const bytes = typeof from === 'string' ? await (await call(from)).bytes() : from;
      if (bytes.byteLength === 0) throw new Error(`${file} is empty`);
      await mkdir(folder, { recursive: true });
      await writeFile(join(folder, file), bytes);
    },
  };
}
