import type { DialectRoute } from 'lovage';
import { refuse } from './errors.ts';
import { renderStatus, wrapResult } from './task-status.ts';

const access = { openedBy: 'VISUALS_OPEN_TASKS' };

export const taskRoutes: readonly DialectRoute[] = [
  {
    method: 'get',
    path: '/api/tasks/{id}/status',
    summary: 'How a task fares',
    kind: 'status',
    access,
    reply: (view) => ({ status: 200, body: renderStatus(view) }),
  },
  {
    method: 'get',
    path: '/api/tasks/{id}/result',
    summary: 'What a task came to, once it has succeeded',
    kind: 'status',
    access,
    reply: (view) =>
      view.task.result === null
        ? refuse(404, 'There is no result: the task is not finished, has failed, or was too long ago')
        : { status: 200, body: { task_id: view.task.id, result: wrapResult(view) } },
  },
  {
    method: 'post',
    path: '/api/tasks/{id}/cancel',
    summary: 'Cancel a task',
    kind: 'cancel',
    access,
    reply: ({ task }, outcome) => ({
      status: 200,
      body:
        outcome === 'already_final'
          ? { task_id: task.id, status: 'error', message: 'The task has finished and cannot be cancelled' }
          : { task_id: task.id, status: 'cancelled', message: 'The task is being cancelled' },
    }),
  },
  {
    method: 'get',
    path: '/api/ws/tasks/{id}',
    summary: 'Follow a task over a WebSocket, to its end',
    kind: 'socket',
    access,
    everyMs: 1000,
    status: (view) => ({ type: 'status', data: renderStatus(view) }),
    complete: (view) => ({ type: 'complete', data: renderStatus(view) }),
    refused: ({ message }) => ({ type: 'error', message }),
  },
];
