import { isFinal } from '../../../wire.ts';
import { defineCommand } from '../../command.ts';
import { withOperations } from '../../operations.ts';
import { flag, WAY_FLAGS } from '../../options.ts';
import { toJson } from '../../printable.ts';
import { describeEvent, isLog } from './describe-event.ts';
import { tellHistory } from './tell-history.ts';

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
        console.log(values.json ? toJson(event) : describeEvent(event));
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
