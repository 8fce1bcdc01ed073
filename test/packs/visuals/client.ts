import { once } from 'node:events';
import { WebSocket } from 'ws';
import { until } from '../../lab.ts';
import type { PackLab } from '../pack-lab.ts';

/** What a task came to, as status and result route wrap it. */
export type Wrapped<Output> = Output & { result: Output };

export interface Status {
  task_id: string;
  state: string;
  ready: boolean;
  successful: boolean | null;
  status: string;
  progress: number;
  meta?: { status: string; progress: number };
  result?: Wrapped<Visualization>;
  error?: string;
}

export interface Visualization {
  id: string;
  patient_id: string | null;
  procedure_id: string;
  procedure_name: string;
  before_image_url: string;
  after_image_url: string;
  prompt_used: string;
  generated_at: string;
  confidence_score: number;
  metadata: { model: string; sheet_url?: string; embedding: { values: number[] } };
}

export interface Accepted {
  task_id: string;
  status: string;
  message: string;
  status_url: string;
  websocket_url: string;
}

export interface Detail {
  detail: unknown;
}

export interface Image {
  id: string;
  url: string;
  width: number;
  height: number;
  format: string;
  size_bytes: number;
}

/** Uploads as a browser's form does. */
export async function upload<Body = Image>(
  lab: PackLab,
  base: string,
  bytes: Uint8Array,
  { type = 'image/jpeg', key }: { type?: string; key?: string } = {},
) {
  const form = new FormData();
  form.append('file', new Blob([Buffer.from(bytes)], { type }), 'photo.jpg');
  return lab.call<Body>(base, '/api/images/upload', { body: form, ...(key !== undefined && { key }) });
}

/** Asks for the status until it is the last one; tells every state seen on the way. */
export async function follow(lab: PackLab, base: string, id: string) {
  const states = new Set<string>();
  const last = await until(
    async () => (await lab.call<Status>(base, `/api/tasks/${id}/status`)).body,
    ({ state, ready }) => states.add(state) && ready,
    40_000,
  );
  return { states, last };
}

export interface Message {
  type: string;
  data: Status;
  message?: string;
}

/** A socket, what came over it so far, and with which code it was closed. */
export function connect(base: string, path: string, key: string | null) {
  const headers = key === null ? {} : { authorization: `Bearer ${key}` };
  const socket = new WebSocket(`${base.replace('http', 'ws')}${path}`, { headers });
  const messages: Message[] = [];
  socket.on('message', (data: Buffer) => void messages.push(JSON.parse(data.toString()) as Message));
  const closed = once(socket, 'close').then(([code]) => code as number);
  return { messages, closed };
}

/** Listens until the other end closes. */
export async function listen(base: string, path: string, key: string | null) {
  const { messages, closed } = connect(base, path, key);
  return { messages, code: await closed };
}

export const origin = (base: string): string => new URL(base).origin;
