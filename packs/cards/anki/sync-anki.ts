import { z } from 'zod';
import { ServiceError } from '../../services/service-error.ts';
import { callAnki, type AnkiServer } from './call-anki.ts';

/** Lets Anki sync with AnkiWeb. @throws ServiceError `lateCode` when that takes longer than `timeoutMs`. */
export async function syncAnki(
  { signal, ...server }: AnkiServer,
  { timeoutMs, lateCode }: { timeoutMs: number; lateCode: 'SyncError' | 'MediaSyncTimeout' },
): Promise<void> {
  const late = AbortSignal.timeout(timeoutMs);
  try {
    await callAnki(
      { ...server, signal: AbortSignal.any([signal, late]) },
      { action: 'sync', result: z.json(), timeoutMs: timeoutMs + 1_000 },
    );
  } catch (error) {
    if (!late.aborted || signal.aborted) throw error;
    const seconds = Math.round(timeoutMs / 1_000);
    throw new ServiceError('Anki', `the sync did not end within ${seconds} s`, {
      code: lateCode,
      cause: error,
    });
  }
}
