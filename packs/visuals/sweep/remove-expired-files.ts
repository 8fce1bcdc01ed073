import { defineTask, isTransient } from 'lovage';
import { z } from 'zod';
import { openStore } from '../store/open.ts';
import { sweepArtefacts } from './sweep-artefacts.ts';

/** Removes the files that nothing refers to, and those past their age. */
export const removeExpiredFiles = defineTask({
  name: 'visuals.removeExpiredFiles',
  queue: 'exports',
  input: z.strictObject({}),
  output: z.strictObject({ removed: z.int() }),
  retryIf: isTransient,
  concurrencyKey: () => 'sweep',
  async run({ db, signal }) {
    return { removed: await sweepArtefacts({ db, store: openStore(), signal }) };
  },
});
