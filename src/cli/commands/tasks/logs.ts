import { isFinal } from '../../../wire.ts';
import { defineCommand } from '../../command.ts';
import { type Operations, withOperations } from '../../operations.ts';
import { flag, WAY_FLAGS } from '../../options.ts';
import { describeEvent, isLog } from './describe-event.ts';

export const logs = defineCommand({
  name: 'tasks logs',
  summary: 'Shows what the handler of a task logged, and on demand all that happened to it',
  arguments: [{ name: 'ID', which: 'task' }],
  options: {
    follow: flag('goes on until the task is final', 'f'),
    all: flag('every event of its history'),
    ...WAY_FLAGS,
  },
  examples: [
    'tasks logs 0197b6f0-0000-7000-8000-000000000000 -f',
    'tasks logs ID --all --json | jq -c .data',
  ],
  notes: ['--json prints one event a line, as GET /v1/tasks/ID/events lists them.'],
  run: (values, [id = '']) =>
    withOperations(values, async (operations) => {
      const say = (event: Parameters<typeof describeEvent>[0]): void => {
        if (!values.all && !isLog(event)) return;
        console.log(values.json ? JSON.stringify(event) : describeEvent(event));
      };
      const last = await tellHistory(operations, id, say);
      if (!values.follow) return 0;
      const { state } = await operations.call.tasks.get.query({ id, include: [] });
      for await (const update of operations.watch(id, { after: last })) {
        if (update.type === 'event') say(update.event);
      }
      if (!values.json && !isFinal(state)) {
        const task = await operations.call.tasks.get.query({ id, include: [] });
        console.error(`Task ${id} is ${task.state}`);
      }
      return 0;
    }),
});

/** Page by page; returns the number of the last event. */
async function tellHistory(
  { call }: Operations,
  id: string,
  say: (event: Parameters<typeof describeEvent>[0]) => void,
): Promise<number> {
  let last = 0;
  for (let cursor: string | undefined; ;) {
    const page = await call.tasks.events.query({ id, limit: 200, ...(cursor !== undefined && { cursor }) });
    for (const event of page.items) {
      say(event);
      last = event.number;
    }
    if (page.nextCursor === null) return last;
    cursor = page.nextCursor;
  }
}
