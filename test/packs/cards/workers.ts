import { expect } from 'vitest';
import type { ClozeNoteInput } from '../../../packs/cards/note/input.ts';
import type { Lab } from '../../lab.ts';
import { kill, send, startWorkerProcess, type WorkerProcess } from '../../worker/processes.ts';

const CONFIG = new URL('cards.config.ts', import.meta.url).pathname;

/** Two real workers, so that one is there when the other is killed. */
export interface Workers {
  enqueue(input: ClozeNoteInput): Promise<string>;
  /** `kill -9` to the worker that runs this task; what comes back resolves when another one has taken its place. */
  killRunner(id: string): Promise<{ replaced: Promise<void> }>;
}

export async function startWorkers(lab: Lab, env: Record<string, string>): Promise<Workers> {
  const start = (): Promise<WorkerProcess> =>
    startWorkerProcess(lab, ['--queues', 'anki'], { LOVAGE_CONFIG: CONFIG, ...env });
  // The first one brings the database up to date.
  const workers = [await start(), await start()];
  return {
    async enqueue(input) {
      const [id = ''] = await send(lab, 'cards.addClozeNote', [{ input, queue: 'anki', maxAttempts: 4 }]);
      await lab.sql("SELECT pg_notify('lovage_ready', 'anki')");
      return id;
    },
    async killRunner(id) {
      const [row] = await lab.sql<{ worker: string }>(
        'SELECT worker_id AS worker FROM lovage.task WHERE id = $1',
        [id],
      );
      const index = workers.findIndex((worker) => worker.id === row?.worker);
      const runner = workers[index];
      if (!runner) throw new Error(`no worker of this test runs task ${id}`);
      await kill(runner);
      const replaced = start().then((next) => void (workers[index] = next));
      return { replaced };
    },
  };
}

/** The task was interrupted once, and one note came of it. */
export async function expectOneNote(lab: Lab, id: string, word: string): Promise<{ noteId: number }> {
  const task = await lab.final(id);
  expect(task).toMatchObject({ state: 'succeeded', attempt: 2, crashes: 1 });
  const [row, ...more] = await lab.sql<{ id: string; card_id: string; step: number; media: string[] }>(
    "SELECT id, card_id, step, media FROM pack_cards.anki_notes WHERE fields ->> 'Word' = $1",
    [word],
  );
  expect(more).toEqual([]);
  expect(row?.media).toHaveLength(2);
  expect(row?.step).toBe(5);
  expect(task.result).toEqual({ success: true, noteId: Number(row?.id), cardId: Number(row?.card_id) });
  expect(await lab.violations()).toEqual([]);
  return { noteId: Number(row?.id) };
}
