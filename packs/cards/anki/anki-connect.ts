import { z } from 'zod';
import { Discard } from 'lovage';
import { CLOZE_CSS, DECK_NAME, MODEL_NAME, TEMPLATE } from '../note/note-type.ts';
import { NOTE_FIELDS } from '../note/fields.ts';
import { loadMedia } from '../media.ts';
import { addToAnki } from './add-to-anki.ts';
import { callAnki, type AnkiServer } from './call-anki.ts';
import type { Collection, CollectionOptions } from './collection.ts';
import { syncAnki } from './sync-anki.ts';

/** The collection of an Anki that runs AnkiConnect, synced with AnkiWeb by that Anki. */
export function ankiConnect({
  db,
  tenant,
  syncTimeoutMs,
  ...server
}: CollectionOptions & AnkiServer): Collection {
  return {
    pull: () => syncAnki(server, { timeoutMs: syncTimeoutMs(), lateCode: 'SyncError' }),
    push: () => syncAnki(server, { timeoutMs: syncTimeoutMs(), lateCode: 'MediaSyncTimeout' }),
    async prepare() {
      await callAnki(server, { action: 'createDeck', params: { deck: DECK_NAME }, result: z.int() });
      await ensureNoteType(server);
    },
    async add({ guid, fields, media }) {
      for (const { name, bytes } of await loadMedia(db, tenant, media)) {
        const params = { filename: name, data: Buffer.from(bytes).toString('base64') };
        await callAnki(server, { action: 'storeMediaFile', params, result: z.literal(name) });
      }
      return addToAnki(server, { guid, fields });
    },
  };
}

async function ensureNoteType(server: AnkiServer): Promise<void> {
  const names = await callAnki(server, { action: 'modelNames', result: z.array(z.string()) });
  if (!names.includes(MODEL_NAME)) {
    const params = {
      modelName: MODEL_NAME,
      inOrderFields: NOTE_FIELDS,
      css: CLOZE_CSS,
      isCloze: true,
      cardTemplates: [{ Name: TEMPLATE.name, Front: TEMPLATE.front, Back: TEMPLATE.back }],
    };
    await callAnki(server, { action: 'createModel', params, result: z.json() });
    return;
  }
  const fields = await callAnki(server, {
    action: 'modelFieldNames',
    params: { modelName: MODEL_NAME },
    result: z.array(z.string()),
  });
  const missing = NOTE_FIELDS.filter((name) => !fields.includes(name));
  if (missing.length === 0 && fields[0] === NOTE_FIELDS[0]) return;
  throw new Discard(
    `Anki: its note type "${MODEL_NAME}" does not begin with ${NOTE_FIELDS[0]} or lacks ${missing.join(', ') || 'nothing'}`,
    { code: 'SyncError' },
  );
}
