import { resource, submits, type Dialect, type DialectError } from 'lovage';
import { z } from 'zod';
import { addClozeNote, KEPT_MS } from './add-cloze-note.ts';
import { serveDeck } from './apkg/serve-deck.ts';
import { acceptedAnswer, errorAnswer, healthAnswer, syncedAnswer, taskAnswer } from './answers.ts';
import { describeTask, messageOf } from './describe-task.ts';

const ok = { status: 200, body: { status: 'ok' } };

/** The HTTP contract of the sync server that these cards came from, path by path and field by field. */
export const dialect: Dialect = {
  prefix: '/cards',
  keyHeader: 'x-access-token',
  states: {
    queued: 'pending',
    scheduled: 'pending',
    retrying: 'pending',
    running: 'started',
    waiting: 'started',
    succeeded: 'success',
    failed: 'failure',
    cancelled: 'failure',
    expired: 'failure',
  },
  forgetsAfterMs: KEPT_MS,
  error: (error) =>
    error.code === 'validation'
      ? { status: 400, body: { message: byField(error) } }
      : { status: error.status, body: { message: error.message } },
  routes: [
    {
      method: 'get',
      path: '/',
      aliases: ['/api/v1/health'],
      summary: 'Whether the server answers and the key is good',
      kind: 'static',
      access: 'key',
      answers: { 200: healthAnswer, 401: errorAnswer },
      reply: () => ok,
    },
    submits({
      method: 'post',
      path: '/api/v1/clozeNotes',
      summary: 'Add a cloze note for a word, with its sound, and sync it',
      kind: 'submit',
      task: addClozeNote,
      sync: { parameter: 'async', value: 'false' },
      answers: {
        200: syncedAnswer,
        202: acceptedAnswer,
        400: errorAnswer,
        401: errorAnswer,
        500: errorAnswer,
      },
      accepted: ({ task, state, link }) => ({
        status: 202,
        body: {
          taskId: task.id,
          status: state,
          statusUrl: link(`/api/v1/tasks/${task.id}`),
          createdAt: task.createdAt,
        },
      }),
      finished: ({ task }) =>
        task.state === 'succeeded' ? ok : { status: 500, body: { message: messageOf(task) } },
    }),
    {
      method: 'get',
      path: '/api/v1/tasks/{id}',
      summary: 'How a note fares',
      kind: 'status',
      answers: { 200: taskAnswer, 401: errorAnswer, 404: errorAnswer },
      reply: (view) => ({ status: 200, body: describeTask(view) }),
    },
    resource({
      method: 'get',
      path: '/api/v1/decks/{name}.apkg',
      summary: 'The deck, as a file that Anki imports',
      kind: 'resource',
      query: z.looseObject({}),
      answers: { 200: { contentType: 'application/octet-stream' }, 401: errorAnswer, 404: errorAnswer },
      reply: async ({ db, tenant, params }) =>
        (await serveDeck(db, { tenant, name: params['name'] ?? '' })) ?? {
          status: 404,
          body: { message: 'No such deck, or no note in it yet' },
        },
    }),
  ],
};

/** What is wrong, by field; what is wrong with none of them in particular stands under the body's own name. */
function byField({ faults }: DialectError): Record<string, string[]> {
  // A map, since clients may call a field `constructor`.
  const fields = Map.groupBy(faults, ({ pointer }) => pointer.replace(/^\//, '').split('/')[0] || 'body');
  return Object.fromEntries([...fields].map(([field, all]) => [field, all.map(({ detail }) => detail)]));
}
