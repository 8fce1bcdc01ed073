import type { DialectReply, Rendered } from 'lovage';

/** What a caller gets who does not wait, or whose wait was over first. */
export const acceptTask = ({ task, link }: Rendered, message: string): DialectReply => ({
  status: 200,
  body: {
    task_id: task.id,
    status: 'processing',
    message,
    status_url: link(`/api/tasks/${task.id}/status`),
    websocket_url: link(`/api/ws/tasks/${task.id}`),
  },
});
