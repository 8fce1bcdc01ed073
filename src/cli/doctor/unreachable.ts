import { isPostgresAway } from '../../db/failures.ts';
import { describeFailure, isRefusal } from '../failure.ts';
import type { Finding } from './finding.ts';

/** What is wrong with the connection itself; undefined where something else failed. */
export function explainUnreachable(error: unknown): Finding | undefined {
  const isAway = isPostgresAway(error);
  if (!isAway && !isRefusal(error)) return undefined;
  const remedy = isAway
    ? 'start Postgres, or mend host and port in DATABASE_URL'
    : 'mend user, password, database or sslmode in DATABASE_URL';
  return { state: 'bad', what: describeFailure(error, undefined).text, remedy };
}
