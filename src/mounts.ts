import { z } from 'zod';
import { SetupError } from './errors.ts';
import type { Mount, Pack } from './pack.ts';

/** By the name of a pack: where its dialect is mounted beside its prefix. */
export type Mounts = ReadonlyMap<string, Mount>;

const HOST = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/;

const mount = z.strictObject({
  port: z
    .int('must be a whole number')
    .min(0, 'must be 0 to 65535')
    .max(65_535, 'must be 0 to 65535')
    .optional(),
  host: z.string().regex(HOST, 'must be a host name in small letters, without a port').optional(),
  open: z.boolean('must be true or false').optional(),
});

const FLAGS: Record<string, boolean> = { '0': false, false: false, '1': true, true: true };

/**
 * The mounts of a configuration with what the environment says over it: `LOVAGE_<PACK>_PORT`, `_HOST` and `_OPEN`. An empty
 * variable counts as unset. @throws SetupError for a value that makes no sense, and for a port or host that two packs want.
 */
export function readMounts(
  { packs, mounts }: { packs: readonly Pack[]; mounts: Mounts },
  env: NodeJS.ProcessEnv = process.env,
): Mounts {
  const faults: string[] = [];
  const read = packs.flatMap(({ name, dialect }): [string, Mount][] => {
    if (!dialect) return [];
    try {
      return [[name, { ...mounts.get(name), ...fromEnvironment(name, env) }]];
    } catch (error) {
      faults.push((error as SetupError).message);
      return [];
    }
  });
  if (faults.length > 0) throw new SetupError(faults.join('\n'));
  const merged = new Map(read);
  checkMounts(packs, merged);
  return merged;
}

function fromEnvironment(pack: string, env: NodeJS.ProcessEnv): Mount {
  const variable = (what: string) => `${variablePrefix(pack)}_${what}`;
  const given = (what: string) => env[variable(what)] || undefined;
  const [port, host, open] = [given('PORT'), given('HOST')?.toLowerCase(), given('OPEN')];
  const read = {
    ...(port !== undefined && { port: /^\d+$/.test(port) ? Number(port) : Number.NaN }),
    ...(host !== undefined && { host }),
    ...(open !== undefined && { open: FLAGS[open] ?? open }),
  };
  return fit(read, (option) => variable(option.toUpperCase()));
}

/** `LOVAGE_FILINGS`: letters and digits of the pack's name, all else `_`. */
export const variablePrefix = (pack: string): string =>
  `LOVAGE_${pack.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_')}`;

/** @throws SetupError naming the pack and the option, or the two packs that want the same. */
export function checkMounts(packs: readonly Pack[], mounts: Mounts): void {
  const taken = new Map<string, string>();
  for (const [name, given] of mounts) {
    const pack = packs.find((one) => one.name === name);
    if (!pack?.dialect) {
      throw new SetupError(
        `mounts: "${name}" ${pack ? 'has no dialect' : 'is no pack of this configuration'}`,
      );
    }
    const { port, host } = fit(given, (option) => `mounts: "${name}": ${option}`);
    // Port 0 is any that is free.
    for (const place of [port ? `port ${port}` : undefined, host && `host ${host}`]) {
      if (place === undefined) continue;
      const other = taken.get(place);
      if (other !== undefined) throw new SetupError(`packs "${other}" and "${name}" both want ${place}`);
      taken.set(place, name);
    }
  }
}

function fit(given: object, nameOf: (option: string) => string): Mount {
  const parsed = mount.safeParse(given);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map(({ path, message }) => `${nameOf(path.join('.'))}: ${message}`);
  throw new SetupError(faults.join('\n'));
}
