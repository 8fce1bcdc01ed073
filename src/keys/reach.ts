import { LovageError } from '../errors.ts';
import type { Caller } from '../wire.ts';

export type Reaching = Pick<Caller, 'tenant' | 'isOperator'>;

/**
 * The tenant whose keys or records a caller sees: his own, an operator's the one he names. Null: every one's.
 * @throws forbidden for another's, whether or not there is such a tenant.
 */
export function reachOf({ tenant, isOperator = false }: Reaching, wanted?: string): string | null {
  if (isOperator) return wanted ?? null;
  if (wanted === undefined || wanted === tenant) return tenant;
  throw new LovageError('forbidden', `This API key belongs to tenant "${tenant}" and reaches no other`);
}
