import type { DialectError, DialectReply, Rendered } from 'lovage';
import { listFaults } from '../../services/fastapi-faults.ts';

/** Every error is a `detail`; faults of the input are a list, as FastAPI has it. */
export function renderError({ status, code, message, faults }: DialectError): DialectReply {
  if (code === 'validation') return { status, body: { detail: listFaults(faults) } };
  // An upload that is too large is a bad upload here.
  if (code === 'payload-too-large') return { status: 400, body: { detail: message } };
  return { status, body: { detail: message } };
}

export const refuse = (status: number, detail: string): DialectReply => ({ status, body: { detail } });

/** What another tenant owns is forbidden here, and what nobody owns missing. */
export const refuseMissing = (what: string, missing: 'unknown' | 'foreign'): DialectReply =>
  missing === 'foreign' ? refuse(403, `Access to this ${what} is denied`) : refuse(404, `${what} not found`);

const SERVICE_ERRORS = ['NoDataToExport', 'PainterError', 'RateLimited', 'SafetyRefusal', 'StoreError'];

/** The answer to who waited for a task that did not succeed. */
export function renderFailure({ task }: Rendered): DialectReply {
  if (task.state !== 'failed') return refuse(400, 'The task was cancelled');
  const { code = 'unknown', message = 'The task failed' } = task.error ?? {};
  if (code.endsWith('NotFound')) return refuse(404, message);
  return refuse(SERVICE_ERRORS.includes(code) ? 400 : 500, message);
}
