import { Discard } from 'lovage';
import { z } from 'zod';
import { callService } from '../../services/call-service.ts';
import { ServiceError } from '../../services/service-error.ts';

const VERSION = 6;

const answer = z.union([
  z.object({ error: z.null(), result: z.json() }),
  z.object({ error: z.string().min(1), result: z.json().optional() }),
]);

export interface AnkiServer {
  url: string;
  key: string | undefined;
  signal: AbortSignal;
}

/** What Anki answered where it refused. */
export class AnkiRefusal extends Discard {}

/**
 * Asks AnkiConnect for an action.
 * @throws AnkiRefusal with its words where it refuses; ServiceError `AnkiLocked` where the collection is not open, `SyncError`
 * where Anki cannot be reached or does not speak its protocol.
 */
export async function callAnki<Result extends z.ZodType>(
  { url, key, signal }: AnkiServer,
  action: { action: string; params?: Record<string, unknown>; result: Result; timeoutMs?: number },
): Promise<z.output<Result>> {
  const { action: name, params = {}, result, timeoutMs } = action;
  const sent = await callService({
    service: 'Anki',
    url,
    // AnkiConnect closes its connections without a word: one that is kept would break the next call.
    headers: { Connection: 'close' },
    body: { action: name, version: VERSION, params, ...(key === undefined ? {} : { key }) },
    signal,
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    code: 'SyncError',
  });
  const { data } = answer.safeParse(sent);
  if (data === undefined) throw new Discard(`Anki: sent what is no answer to ${name}`, { code: 'SyncError' });
  if (data.error !== null) throw refusal(name, data.error);
  const parsed = result.safeParse(data.result);
  if (parsed.success) return parsed.data;
  throw new Discard(`Anki: what it sent for ${name} is not what was asked for`, { code: 'SyncError' });
}

/** AnkiConnect has no codes: its words are all there is. */
function refusal(action: string, words: string): Error {
  const message = `${action}: ${words}`;
  if (/collection is not available|is locked|already open|in use/i.test(words))
    return new ServiceError('Anki', message, { code: 'AnkiLocked' });
  if (/^sync status|full (sync|upload|download)/i.test(words))
    return new AnkiRefusal(`Anki: ${message}`, { code: 'FullSyncRequired' });
  return new AnkiRefusal(`Anki: ${message}`, { code: 'SyncError' });
}
