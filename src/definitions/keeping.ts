import type { Config } from '../config.ts';
import { SetupError } from '../errors.ts';
import type { Keeping } from '../task.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
const BY_DEFAULT = { resultTtlMs: DAY_MS, archiveAfterMs: DAY_MS, retentionMs: 90 * DAY_MS };

/**
 * How long tasks are kept: a definition's own word goes before its queue's, that before the environment's.
 * @throws SetupError where they would be dropped sooner than others are archived.
 */
export function keepingOf(who: string, ...words: (Keeping | undefined)[]): Required<Keeping> {
  const first = (option: keyof Keeping) =>
    words.map((word) => word?.[option]).find((value) => value !== undefined) ?? BY_DEFAULT[option];
  const kept = {
    resultTtlMs: first('resultTtlMs'),
    archiveAfterMs: first('archiveAfterMs'),
    retentionMs: first('retentionMs'),
  };
  if (kept.retentionMs >= kept.archiveAfterMs) return kept;
  throw new SetupError(
    `${who}: retentionMs (${kept.retentionMs}) must not be below archiveAfterMs (${kept.archiveAfterMs}): the archive would keep a task for less time than the hot table`,
  );
}

/** Of every queue, for tasks whose definition is not known. */
export const keepingOfQueues = ({ queues }: Pick<Config, 'queues'>, byEnvironment: Keeping) =>
  [...queues].map(([queue, options]) => ({
    queue,
    ...keepingOf(`queue "${queue}"`, options, byEnvironment),
  }));
