import type { Config } from '../../config.ts';
import { SetupError } from '../../errors.ts';
import { loadConfig } from '../../load-config.ts';

/**
 * A child process finds a definition where the configuration file has it, and nowhere else. Resolves with whether the queues have
 * any that run in one. @throws SetupError for those that it would not find.
 */
export async function requireReachable(worker: {
  config: Config;
  configFile: string;
  queues: ReadonlySet<string>;
}): Promise<boolean> {
  const { config, configFile, queues } = worker;
  const isolated = [...config.tasks.values()].filter(
    ({ isolation, queue }) => isolation === 'process' && queues.has(queue),
  );
  if (isolated.length === 0) return false;
  const { tasks } = await loadConfig(configFile);
  const lost = isolated.filter((task) => tasks.get(task.name) !== task).map(({ name }) => `"${name}"`);
  if (lost.length === 0) return true;
  throw new SetupError(
    `task definition ${lost.join(', ')}: isolation "process" needs it in ${configFile}, which child processes load`,
  );
}
