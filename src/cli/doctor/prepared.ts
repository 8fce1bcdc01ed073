import { examineRoad } from '../../db/pooler.ts';
import type { Settings } from '../../settings/settings.ts';
import type { Finding } from './finding.ts';

/** Whether what stands before Postgres keeps prepared statements, and whether the settings know of it. */
export async function examinePrepared(
  url: string,
  { prepares }: Pick<Settings, 'prepares'>,
): Promise<Finding[]> {
  const { isPooled, losesPrepared } = await examineRoad(url);
  if (!isPooled) return [];
  const pooler = 'a pooler stands before Postgres';
  if (!losesPrepared) return [{ state: 'good', what: `${pooler}, and keeps prepared statements` }];
  if (!prepares)
    return [{ state: 'good', what: `${pooler}; it forgets prepared statements, and none is used` }];
  return [
    {
      state: 'bad',
      what: 'the pooler before Postgres forgets prepared statements: calls fail with 26000 or 42P05',
      remedy: 'LOVAGE_PREPARE=0, or PgBouncer 1.21 or newer with max_prepared_statements',
    },
  ];
}
