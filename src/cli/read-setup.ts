import { resolve } from 'node:path';
import { findFaults } from './check-environment.ts';
import type { Config } from '../config.ts';
import { SetupError } from '../errors.ts';
import { loadConfig } from '../load-config.ts';
import { readMounts } from '../mounts.ts';
import { readSettings, type Settings } from '../settings/settings.ts';

export interface Setup {
  settings: Settings;
  config: Config;
}

/**
 * The environment and the configuration; for a process in which packs run, also as the packs want it.
 * @throws SetupError with a line per fault, of all that there are.
 */
export async function readSetup({ forPacks }: { forPacks: boolean }): Promise<Setup> {
  const faults: string[] = [];
  const checked = async <Value>(read: () => Value | Promise<Value>): Promise<Value | undefined> => {
    try {
      return await read();
    } catch (error) {
      // What a configuration throws by itself may come of a variable that is wrong.
      if (!(error instanceof SetupError) && faults.length === 0) throw error;
      if (error instanceof SetupError) faults.push(error.message);
      return undefined;
    }
  };
  const settings = await checked(() => readSettings());
  const file = settings?.configFile ?? resolve(process.env['LOVAGE_CONFIG'] || 'lovage.config.ts');
  const config = await checked(() => loadConfig(file));
  if (config && forPacks) {
    faults.push(...(await findFaults(config)));
    await checked(() => readMounts(config));
  }
  if (!settings || !config || faults.length > 0) throw new SetupError([...new Set(faults)].join('\n'));
  return { settings, config };
}
