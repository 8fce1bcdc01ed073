import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { findFaults } from '../../src/cli/check-environment.ts';
import { definePack, type Pack } from '../../src/pack.ts';

const pack = (name: string, environment?: z.ZodType): Pack =>
  definePack({ name, tasks: [], ...(environment && { environment }) });

describe('what packs find wrong with the environment', () => {
  const environment = z
    .object({
      CARDS_KEY: z
        .string()
        .refine((key) => key.length > 20, { error: ({ input }) => `too short:\n${String(input)}` })
        .optional(),
      CARDS_MODE: z.enum(['fast', 'slow']).default('fast'),
      CARDS_FOLDER: z.string(),
    })
    .refine(({ CARDS_FOLDER }) => CARDS_FOLDER !== 'nowhere', 'the folder and the mode do not go together');
  const faultsIn = (env: NodeJS.ProcessEnv, of: z.ZodType = environment) =>
    findFaults({ packs: [pack('none'), pack('cards', of)] }, env);

  test('is a line per variable, without its value; an empty one is unset', async () => {
    expect(await faultsIn({ CARDS_FOLDER: 'somewhere', CARDS_MODE: '', CARDS_KEY: '' })).toEqual([]);
    expect(await faultsIn({ CARDS_FOLDER: '', CARDS_MODE: 'idle', CARDS_KEY: 'hunter2hunter2' })).toEqual([
      'CARDS_FOLDER: Invalid input: expected string, received undefined (pack "cards")',
      'CARDS_MODE: Invalid option: expected one of "fast"|"slow" (pack "cards")',
      'CARDS_KEY: too short: [its value] (pack "cards")',
    ]);
    expect(await faultsIn({ CARDS_FOLDER: 'nowhere' })).toEqual([
      'the environment: the folder and the mode do not go together (pack "cards")',
    ]);
  });

  test('is that its own check throws, where it does', async () => {
    const broken = z.object({ CARDS_URL: z.string().transform((url) => new URL(url).host) });
    expect(await faultsIn({ CARDS_URL: 'hunter2hunter2' }, broken)).toEqual([
      'the environment: the check of pack "cards" threw TypeError',
    ]);
  });
});
