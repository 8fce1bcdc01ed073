import { ServiceError } from '../../services/service-error.ts';

/** Says what the store did not do, and no path or address of it, since its messages reach clients. */
export const storeError = (
  message: string,
  options: { status?: number; cause?: unknown } = {},
): ServiceError => new ServiceError('The artefact store', message, { ...options, code: 'StoreError' });
