import { oldVariables } from './settings/old-variables.ts';

const SOFT_LIMIT_MS = 240_000;
const HARD_LIMIT_MS = 300_000;
const MAX_LIMIT_MS = 2_147_483_647;

type Variable = 'CELERY_TASK_TIME_LIMIT' | 'CELERY_TASK_SOFT_TIME_LIMIT' | 'CELERY_RESULT_EXPIRES';

/** How long results are kept and attempts may run where a definition does not say. The environment decides by old names. */
export function defaultTimes(
  { softLimitMs, hardLimitMs }: { softLimitMs?: number | undefined; hardLimitMs?: number | undefined },
  env: NodeJS.ProcessEnv = process.env,
): { softLimitMs: number; hardLimitMs: number; resultTtlMs?: number } {
  // A faulty one is told of at start, by the settings.
  const read = (name: Variable): number | undefined => {
    const seconds = oldVariables[name].safeParse(env[name] || undefined).data;
    return seconds === undefined ? undefined : seconds * 1_000;
  };
  const usualHard = read('CELERY_TASK_TIME_LIMIT');
  const soft =
    softLimitMs ??
    Math.min(read('CELERY_TASK_SOFT_TIME_LIMIT') ?? SOFT_LIMIT_MS, hardLimitMs ?? usualHard ?? Infinity);
  const isWithin = usualHard !== undefined && soft <= usualHard;
  const hard = isWithin ? usualHard : Math.max(HARD_LIMIT_MS, Math.ceil(soft * 1.25));
  const resultTtlMs = read('CELERY_RESULT_EXPIRES');
  return {
    softLimitMs: soft,
    hardLimitMs: hardLimitMs ?? Math.min(MAX_LIMIT_MS, hard),
    // Else its queue may say.
    ...(resultTtlMs === undefined ? {} : { resultTtlMs }),
  };
}
