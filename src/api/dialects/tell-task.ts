import { randomUUID } from 'node:crypto';
import type { WebSocket } from 'ws';
import type { Rendered, SocketRoute } from '../../dialect.ts';
import { LovageError } from '../../errors.ts';
import type { TaskView } from '../../wire.ts';
import { toLovageError } from '../errors.ts';
import { Patience, PATIENCE_MS } from '../patience.ts';
import { spendQuota } from '../rate-limit.ts';
import { reportError } from '../respond.ts';
import { drained, recheck } from '../socket-client.ts';
import { requireScope } from '../trpc/procedures.ts';
import { dialectError } from './errors.ts';
import { followTask } from './follow-task.ts';
import type { Visitor } from './identify-visitor.ts';
import type { DialectParts } from './parts.ts';
import { createRequest } from './request.ts';
import { viewIn } from './view.ts';
import type { Visit } from './visit.ts';

const REVOKED = 'This API key is unknown, revoked or expired';
const NORMAL = 1000;

interface Telling {
  shared: DialectParts;
  route: SocketRoute;
  client: WebSocket;
  visit: Visit;
  identify: () => Promise<Visitor>;
}

/** Tells one client how its task fares until it is final, or says why not. Never throws. */
export async function tellTask(telling: Telling): Promise<void> {
  const { client, shared, route } = telling;
  const stop = new AbortController();
  client.once('close', () => stop.abort());
  const refuse = (thrown: unknown) => {
    stop.abort();
    const error = toLovageError(thrown);
    reportError(shared.parts.lovage.log, error, randomUUID());
    const told = dialectError(error);
    if (client.readyState !== client.OPEN) return;
    client.send(JSON.stringify(route.refused(told)));
    client.close(4000 + told.status);
  };
  keepAlive(client);
  try {
    await tell(telling, stop.signal, refuse);
  } catch (error) {
    refuse(error);
  }
}

async function tell(
  { shared, route, client, visit, identify }: Telling,
  signal: AbortSignal,
  refuse: (error: unknown) => void,
): Promise<void> {
  const { lovage } = shared.parts;
  const patience = new Patience(PATIENCE_MS);
  const { caller, check } = await patience.spend(identify());
  requireScope(caller, 'read');
  await patience.spend(spendQuota(lovage, caller, 1, () => undefined));
  recheck(check, client, () => refuse(new LovageError('unauthorized', REVOKED)));
  const request = createRequest(shared, visit, { caller, signal });
  const send = async (render: (view: Rendered) => unknown, task: TaskView) => {
    await drained(client);
    if (!signal.aborted) client.send(JSON.stringify(render(viewIn(shared, request, task))));
  };
  const { everyMs } = route;
  const id = visit.params['id'] ?? '';
  for await (const { task, isFinal } of followTask(shared, caller, { id, everyMs, signal })) {
    await send(route.status, task);
    if (!isFinal) continue;
    await send(route.complete, task);
    client.close(NORMAL);
  }
}

const PING_MS = 15_000;

/** Who does not answer a ping by the next one is gone. */
function keepAlive(client: WebSocket): void {
  let isAlive = true;
  client.on('pong', () => {
    isAlive = true;
  });
  const timer = setInterval(() => {
    if (!isAlive) return client.terminate();
    isAlive = false;
    client.ping();
  }, PING_MS).unref();
  client.once('close', () => clearInterval(timer));
}
