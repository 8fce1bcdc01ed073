import { vi } from 'vitest';
import { configFile, openLab, type Lab } from '../lab.ts';

/** A lab whose database is the one of the environment: commands that a test types in its own process go there. */
export async function openCommandLab(): Promise<Lab> {
  const lab = await openLab();
  vi.stubEnv('DATABASE_URL', lab.url);
  vi.stubEnv('LOVAGE_CONFIG', configFile);
  return {
    ...lab,
    async [Symbol.asyncDispose]() {
      vi.unstubAllEnvs();
      await lab[Symbol.asyncDispose]();
    },
  };
}
