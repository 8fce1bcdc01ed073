import { existsSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import type { Config } from './config.ts';
import { SetupError } from './errors.ts';
import { hideValues, redactSecrets } from './redact.ts';

/** Loads the default export of a configuration file. @throws SetupError, a line per fault, when there is none or it cannot be loaded. */
export async function loadConfig(file: string): Promise<Config> {
  if (!existsSync(file)) {
    throw new SetupError(
      `no configuration at ${file}: write lovage.config.ts, or point LOVAGE_CONFIG at yours`,
    );
  }
  const { default: config } = await importFile(file);
  if (!(config?.tasks instanceof Map)) {
    throw new SetupError(`${file} must export what defineConfig() returns as its default export`);
  }
  return config;
}

async function importFile(file: string): Promise<{ default?: Config }> {
  try {
    return (await import(pathToFileURL(file).href)) as { default?: Config };
  } catch (error) {
    if (error instanceof SetupError) throw error;
    // A configuration may well tell what it has read of the environment.
    const faults = faultsOf(error).map((fault) => hideValues(fault, process.env));
    const lines = faults.map((fault) => `${file} cannot be loaded: ${fault}`);
    throw new SetupError(lines.join('\n'), { cause: error });
  }
}

/** What a file threw, which may be anything: a line each where it is zod's. */
function faultsOf(error: unknown): string[] {
  if (!(error instanceof Error)) return [`it threw ${String(error)}`];
  if ('issues' in error && Array.isArray(error.issues)) {
    const issues = error.issues as { path: PropertyKey[]; message: string }[];
    return issues.map(({ path, message }) => oneLine(`${path.join('.')}: ${message}`));
  }
  const [, place] = /(?:file:\/\/)?(\/[^\s():]+:\d+)/.exec(error.stack ?? '') ?? [];
  return [oneLine(redactSecrets(error.message)) + (place === undefined ? '' : ` (${place})`)];
}

const oneLine = (text: string): string => text.replaceAll(/\s+/g, ' ').trim();
