import { userInfo } from 'node:os';
import type { Lovage } from '../lovage.ts';
import type { Caller } from '../wire.ts';
import { toFailure } from './failure.ts';
import { callerOf } from './operations.ts';
import { withDatabase } from './with-database.ts';

/** For what goes to the database alone; what the verbs refuse is told in a line or two. */
export const withLovage = (work: (lovage: Lovage, caller: Caller) => Promise<number>): Promise<number> =>
  withDatabase((lovage) => work(lovage, callerOf(userInfo().username))).catch((error: unknown) => {
    throw toFailure(error, undefined);
  });
