import { z } from 'zod';
import type { Config } from '../config.ts';
import type { Log } from '../log.ts';
import { variablePrefix } from '../mounts.ts';
import { VARIABLES } from '../settings/settings.ts';
import { suggest } from './suggest.ts';

const OURS = 'LOVAGE_';

/**
 * Says of each variable that nobody reads, and whose name is nearly that of one, which was probably meant. Others may be an
 * application's own. No value is told.
 */
export function warnOfMisspelt(env: NodeJS.ProcessEnv, { packs }: Pick<Config, 'packs'>, log: Log): void {
  const ofPacks = packs.flatMap(({ name, environment }) => [
    ...(environment instanceof z.ZodObject ? Object.keys(environment.shape) : []),
    ...['PORT', 'HOST', 'OPEN'].map((what) => `${variablePrefix(name)}_${what}`),
  ]);
  const known = new Set([...VARIABLES, ...ofPacks].filter(isOurs));
  const names = [...known].map(withoutPrefix);
  for (const variable of Object.keys(env).filter(isOurs)) {
    const meant = known.has(variable) ? undefined : suggest(withoutPrefix(variable), names);
    if (meant !== undefined)
      log.warn({ variable }, `${variable} is read by nobody: ${OURS}${meant} was probably meant`);
  }
}

const isOurs = (name: string): boolean => name.startsWith(OURS);
const withoutPrefix = (name: string): string => name.slice(OURS.length);
