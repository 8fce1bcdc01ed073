import { callService, type ServiceCall } from '../../services/call-service.ts';
import { ServiceError } from '../../services/service-error.ts';
import { readPhoto } from '../images/read-photo.ts';
import type { Painting } from './painter.ts';

const TIMEOUT_MS = 120_000;
const CODE = 'PainterError';

/** @throws ServiceError `RateLimited` for 429, else `PainterError`. */
export async function callPainter(call: ServiceCall): Promise<unknown> {
  try {
    return await callService({ timeoutMs: TIMEOUT_MS, code: CODE, ...call });
  } catch (error) {
    if (!(error instanceof ServiceError) || error.status !== 429) throw error;
    throw new ServiceError(call.service, 'takes no more for now', {
      code: 'RateLimited',
      status: 429,
      cause: error,
    });
  }
}

/** What a painter sent, as the image that it is; by its bytes, whatever it is called. */
export async function readReturned(
  service: string,
  bytes: Buffer,
  declaredType = '',
): Promise<Painting['after']> {
  try {
    return await readPhoto(bytes, declaredType);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : 'it cannot be read';
    throw refusePainting(service, `sent what is no image: ${reason}`, cause);
  }
}

export const refusePainting = (service: string, message: string, cause?: unknown): ServiceError =>
  new ServiceError(service, message, { code: CODE, cause });
