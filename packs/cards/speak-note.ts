import type { NodePgDatabase } from 'drizzle-orm/node-postgres';
import { reachStep, type Checkpoint } from './checkpoint.ts';
import { nameRecording } from './media.ts';
import type { Note } from './note/make-note.ts';
import { ankiMedia } from './schema.ts';
import type { Voice } from './speech/voice.ts';

/** Gives a note its recordings: they, the fields that name them and the checkpoint are written together. */
export async function speakNote(
  db: NodePgDatabase,
  checkpoint: Checkpoint,
  { note, voice, signal, step }: { note: Note; voice: Voice; signal: AbortSignal; step: number },
): Promise<Checkpoint> {
  // What has been added stays as it is, in Anki as well.
  if (checkpoint.id !== null) return reachStep(db, checkpoint, { step });
  const fields = { ...checkpoint.fields };
  const recordings: ReturnType<typeof nameRecording>[] = [];
  for (const field of ['DefinitionAudio', 'TextAudio'] as const) {
    const recording = await voice(note.spoken[field], signal);
    if (recording === null) return reachStep(db, checkpoint, { step, media: [], warnings: [SILENT] });
    const named = nameRecording(recording);
    fields[field] = `[sound:${named.name}]`;
    recordings.push(named);
  }
  const media = [...new Set(recordings.map(({ hash }) => hash))];
  return db.transaction(async (tx) => {
    await tx
      .insert(ankiMedia)
      .values(recordings.map((recording) => ({ ...recording, tenant: checkpoint.tenant })))
      .onConflictDoNothing();
    return reachStep(tx, checkpoint, { step, fields, media, warnings: [] });
  });
}

const SILENT = 'No audio: neither GCP_TTS_API_KEY is set nor espeak-ng installed';
