import { definePack } from 'lovage';
import { addClozeNote } from './add-cloze-note.ts';
import { dialect } from './dialect.ts';
import { environment } from './environment.ts';

/** Cloze notes for Anki, with the sound of their words. */
export const cards = definePack({
  name: 'cards',
  tasks: [addClozeNote],
  dialect,
  environment,
  queues: { anki: { clusterConcurrency: 1 } },
  migrations: new URL('drizzle/', import.meta.url),
  example: { task: 'cards.addClozeNote', input: new URL('samples/sample-note.json', import.meta.url) },
});
