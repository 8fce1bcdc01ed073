import { LovageError } from '../errors.ts';
import type { Lovage } from '../lovage.ts';
import type { Caller } from '../wire.ts';
import { describeCall } from './entry.ts';

/** Does what a caller asks for and writes it down, also when it is refused. */
export async function audited<Answer>(
  { audit }: Pick<Lovage, 'audit'>,
  caller: Caller,
  { action, request }: { action: string; request: unknown },
  work: () => Promise<Answer>,
): Promise<Answer> {
  try {
    const answer = await work();
    await audit.write({ caller, action, outcome: 'ok', ...describeCall(request, answer) });
    return answer;
  } catch (error) {
    const outcome = error instanceof LovageError ? error.code : 'internal';
    await audit.write({ caller, action, outcome, ...describeCall(request, undefined) });
    throw error;
  }
}
