import type { Config } from '../config.ts';

/** Below it a value is a word that a message may well hold for another reason. */
const MIN_HIDDEN = 8;

/**
 * What packs find wrong with the environment: one line per variable, with its name and never its value. An empty one
 * counts as unset.
 */
export async function findFaults(
  { packs }: Pick<Config, 'packs'>,
  env: NodeJS.ProcessEnv = process.env,
): Promise<string[]> {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
  const lines: string[] = [];
  for (const { name: pack, environment } of packs) {
    if (!environment) continue;
    try {
      const { error } = await environment.safeParseAsync(given);
      const faults = new Map(
        error?.issues.toReversed().map(({ path, message }) => [path.join('.'), message]),
      );
      for (const [variable, message] of faults)
        lines.push(`${variable || 'the environment'}: ${hidden(message, given[variable])} (pack "${pack}")`);
    } catch (error) {
      // Its message may hold the value.
      const { name } = error as Error;
      lines.push(`the environment: the check of pack "${pack}" threw ${name}`);
    }
  }
  return lines;
}

const hidden = (message: string, value = ''): string =>
  (value.length < MIN_HIDDEN ? message : message.replaceAll(value, '[its value]')).replaceAll('\n', ' ');
