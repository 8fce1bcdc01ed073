import { Cancelled, defineTask, Discard, type RunContext } from 'lovage';
import { z } from 'zod';
import { chooseCollection } from './anki/choose-collection.ts';
import type { Collection } from './anki/collection.ts';
import { beginNote, reachStep, type Checkpoint } from './checkpoint.ts';
import { readEnvironment, type CardsEnvironment } from './environment.ts';
import { forgetNotes } from './forget-notes.ts';
import { clozeNoteInput, type ClozeNoteInput } from './note/input.ts';
import { makeNote, type Note } from './note/make-note.ts';
import { mayPass } from './retry.ts';
import { speakNote } from './speak-note.ts';
import { chooseVoice } from './speech/choose-voice.ts';
import { threeRetries } from '../services/three-retries.ts';

const HARD_LIMIT_MS = 300_000;
const SOFT_LIMIT_MS = 295_000;
/** What a sync leaves of the time limit. */
const SPARE_MS = 10_000;
const SYNC_TIMEOUT_S = 600;
const STEPS = 5;
/** How long it can be asked what a note came to. */
export const KEPT_MS = 24 * 60 * 60 * 1000;

/** Makes a cloze note of a word, with its sound, and syncs it: once, however often it is sent or interrupted. */
export const addClozeNote = defineTask({
  name: 'cards.addClozeNote',
  queue: 'anki',
  input: clozeNoteInput,
  output: z.strictObject({
    success: z.literal(true),
    cardId: z.int().positive(),
    noteId: z.int().positive(),
    warnings: z.array(z.string()).optional(),
  }),
  ...threeRetries,
  retryIf: mayPass,
  softLimitMs: SOFT_LIMIT_MS,
  hardLimitMs: HARD_LIMIT_MS,
  resultTtlMs: KEPT_MS,
  async run(context) {
    const endsAt = performance.now() + HARD_LIMIT_MS;
    const { db, tenant, id: taskId, signal } = context;
    const environment = readEnvironment();
    const syncTimeoutMs = () => timeoutFor(environment, endsAt - performance.now());
    const collection = chooseCollection({ db, tenant, environment, signal, syncTimeoutMs });
    const note = await makeNote(context.input);
    await forgetNotes(db, { tenant });
    const begun = await beginNote(db, { tenant, taskId, note });
    const kept = isOther(begun, note) ? [KEPT] : [];
    try {
      const reached = await goOn(context, begun, stepsOf(context, { note, environment, collection }));
      return outputOf(reached, kept);
    } catch (error) {
      // What cannot be dropped now is a day later.
      if (isOver(error, signal)) await forgetNotes(db, { tenant, taskId }).catch(() => undefined);
      throw error;
    }
  },
});

async function goOn(
  { signal, progress }: RunContext<ClozeNoteInput>,
  begun: Checkpoint,
  steps: readonly Step[],
): Promise<Checkpoint> {
  let reached = begun;
  progress({ current: reached.step, total: STEPS });
  for (const step of steps.slice(reached.step)) {
    signal.throwIfAborted();
    reached = await step(reached);
    progress({ current: reached.step, total: STEPS });
  }
  return reached;
}

/** Nobody will go on with this note. */
const isOver = (error: unknown, { aborted, reason }: AbortSignal): boolean =>
  aborted ? reason instanceof Cancelled : error instanceof Discard || !mayPass(error);

type Step = (reached: Checkpoint) => Promise<Checkpoint>;

/** The steps, each written down when it is done: a rerun goes on behind the last one that was. */
function stepsOf(
  { db, signal }: RunContext<ClozeNoteInput>,
  { note, environment, collection }: { note: Note; environment: CardsEnvironment; collection: Collection },
): Step[] {
  return [
    async (reached) => {
      await collection.pull();
      return reachStep(db, reached, { step: 1 });
    },
    async (reached) => {
      await collection.prepare();
      return reachStep(db, reached, { step: 2 });
    },
    (reached) => speakNote(db, reached, { note, voice: chooseVoice(environment), signal, step: 3 }),
    async (reached) => {
      const { noteId, cardId } = await collection.add(reached);
      return reachStep(db, reached, { step: 4, id: noteId, cardId });
    },
    async (reached) => {
      await collection.push();
      return reachStep(db, reached, { step: STEPS, syncedAt: new Date() });
    },
  ];
}

/** Media may take Anki ten minutes, which is more than the task has. */
export function timeoutFor(
  { ANKI_MEDIA_SYNC_TIMEOUT: seconds = SYNC_TIMEOUT_S }: CardsEnvironment,
  leftMs: number,
): number {
  return Math.max(1, Math.round(Math.min(seconds * 1_000, leftMs - SPARE_MS)));
}

const KEPT = 'The note was there already, with other details: it was left as it was';

function isOther({ fields }: Checkpoint, { fields: sent }: Note): boolean {
  const { DefinitionAudio: _word, TextAudio: _text, ...told } = sent;
  return Object.entries(told).some(([name, value]) => fields[name as keyof typeof told] !== value);
}

function outputOf({ id, cardId, guid, warnings: made }: Checkpoint, kept: string[]) {
  if (id === null || cardId === null) throw new Error(`note ${guid} was synced and never added`);
  const warnings = [...made, ...kept];
  return { success: true as const, cardId, noteId: id, ...(warnings.length > 0 && { warnings }) };
}
