import type { DialectReply, Rendered } from 'lovage';

/** The answer to who does not wait. */
export const renderAccepted =
  (what: string) =>
  ({ task, link }: Rendered): DialectReply => ({
    status: 200,
    body: {
      task_id: task.id,
      status: 'processing',
      message: `${what} started; follow it by its task_id`,
      status_url: link(`/api/tasks/${task.id}/status`),
      websocket_url: link(`/api/ws/tasks/${task.id}`),
    },
  });

/** Waiting is the default here. */
export const sync = { parameter: 'async_processing', value: 'false', byDefault: true } as const;
