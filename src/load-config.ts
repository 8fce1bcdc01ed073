import { existsSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import type { Config } from './config.ts';
import { SetupError } from './errors.ts';

/** Loads the default export of a configuration file. @throws SetupError when there is none. */
export async function loadConfig(file: string): Promise<Config> {
  if (!existsSync(file)) {
    throw new SetupError(
      `no configuration at ${file}: write lovage.config.ts, or point LOVAGE_CONFIG at yours`,
    );
  }
  const loaded = (await import(pathToFileURL(file).href)) as { default?: Config };
  if (!loaded.default?.tasks) {
    throw new SetupError(`${file} must export what defineConfig() returns as its default export`);
  }
  return loaded.default;
}
