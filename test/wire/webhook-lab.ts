import { startApi } from '../../src/api/server.ts';
import { createAuthenticator } from '../../src/keys/authenticate.ts';
import { createKey } from '../../src/keys/create.ts';
import { createLog } from '../../src/log.ts';
import { openLovage } from '../../src/open.ts';
import type { Scope } from '../../src/wire.ts';
import type { DeliveryWithTries, WebhookWithSecret } from '../../src/wire/webhooks.ts';
import { OPERATOR } from '../api/http-lab.ts';
import { openLab, until, type Lab } from '../lab.ts';
import { openReceiver, type Receiver } from './receiver.ts';

export const SECRET = 'the-secret-of-the-webhook-lab-0123456789';
export const EGRESS = { allow: ['127.0.0.1/32'], timeoutMs: 1_000 };
const ROOT_KEY = 'root-key-of-the-webhook-lab';

export type Body = WebhookWithSecret &
  DeliveryWithTries & {
    outcome: string;
    code: string;
    items: (WebhookWithSecret & DeliveryWithTries & { name: string; data: Record<string, unknown> })[];
    errors: { pointer: string; detail: string }[];
    name: string;
    result: { data: { items: { id: string }[]; id: string; secret: string } };
  };

export interface WebhookLab extends AsyncDisposable {
  lab: Lab;
  receiver: Receiver;
  call(
    method: string,
    path: string,
    options?: { body?: unknown; headers?: Record<string, string>; key?: string },
  ): Promise<{ status: number; body: Body; headers: Headers; text: string }>;
  keyFor(name: string, scopes: Scope[], tenant?: string): Promise<string>;
  /** An endpoint at a path of the receiver. */
  endpoint(path: string, more?: Record<string, unknown>, key?: string): Promise<WebhookWithSecret>;
  remove(id: string): Promise<unknown>;
  /** The messages about a task, once they are in this state. */
  deliveries(taskId: string, state: string, count?: number): Promise<DeliveryWithTries[]>;
}

/** An API and a receiver on a database of their own. */
export async function openWebhookLab(secret: string | undefined = SECRET): Promise<WebhookLab> {
  const lab = await openLab();
  const log = createLog({ level: 'silent' });
  const { config } = lab.lovage;
  const lovage = await openLovage({ config, url: lab.url, secret: secret || undefined, egress: EGRESS, log });
  const settings = { host: '127.0.0.1', port: 0, maxBodyBytes: 1_000_000 };
  const authenticator = createAuthenticator(lovage.pool, ROOT_KEY);
  const api = await startApi({ lovage, authenticator, settings, version: 'test' });
  const receiver = await openReceiver();

  const call: WebhookLab['call'] = async (method, path, { body, headers, key = ROOT_KEY } = {}) => {
    const response = await fetch(`${api.url}${path}`, {
      method,
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...headers },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, text, body: JSON.parse(text) as Body };
  };
  return {
    lab,
    receiver,
    call,
    keyFor: async (name, scopes, tenant) =>
      (await createKey(lovage.pool, OPERATOR, { name, scopes, tenant })).key,
    async endpoint(path, more = {}, key) {
      const made = await call('POST', '/v1/webhooks', {
        body: { url: `${receiver.url}${path}`, ...more },
        ...(key && { key }),
      });
      if (made.status !== 201) throw new Error(made.text);
      return made.body;
    },
    remove: (id) => call('DELETE', `/v1/webhooks/${id}`),
    deliveries: (taskId, state, count = 1) =>
      until(
        async () => (await call('GET', `/v1/webhook-deliveries?taskId=${taskId}`)).body.items,
        (items) => items.length === count && items.every((item) => item.state === state),
      ),
    async [Symbol.asyncDispose]() {
      await receiver[Symbol.asyncDispose]();
      await api.close(0);
      await lovage.close();
      await lab[Symbol.asyncDispose]();
    },
  };
}
