import { type Operations, withOperations } from '../../operations.ts';
import { defineCommand } from '../../command.ts';
import { readJson } from '../../given-text.ts';
import { flag, text, WAY_FLAGS, whole, words } from '../../options.ts';
import { toJson } from '../../printable.ts';
import { followTask } from './follow.ts';

const MAX_LIMIT_MS = 2_147_483_647;
const YEAR_MS = 365 * 24 * 3_600_000;

export const run = defineCommand({
  name: 'tasks run',
  aliases: ['run', 'enqueue'],
  summary: 'Sends a task, and waits for it where asked to',
  arguments: [{ name: 'NAME', which: 'task', completes: 'tasks' }],
  options: {
    input: text('JSON', 'the task’s input; @FILE reads it from a file, - from standard input (default {})'),
    wait: flag('show progress, print the final task, exit with 1 unless it succeeded'),
    delay: whole('MS', 'start it so many milliseconds from now', [0, YEAR_MS]),
    priority: whole('N', 'higher runs first', [0, 1_000]),
    'soft-limit': whole('MS', 'after so long an attempt is told to stop', [1, MAX_LIMIT_MS]),
    'hard-limit': whole('MS', 'after so long an attempt is stopped', [1, MAX_LIMIT_MS]),
    tags: words('to find it by'),
    ...WAY_FLAGS,
  },
  examples: [
    'tasks run filings.analyze --input @packs/filings/samples/fictional-10k.json --wait',
    `tasks run mail.welcome --input '{"to": "ada@example.com"}' --delay 60000`,
    'tasks run mail.welcome --input - < input.json',
  ],
  notes: ['Prints the task as JSON: its result is JSON.'],
  async run({ wait, ...values }, [name = '']) {
    const input = await readJson(values.input ?? '{}', '--input');
    const options = {
      delayMs: values.delay ?? 0,
      ...(values.priority !== undefined && { priority: values.priority }),
      ...(values['soft-limit'] !== undefined && { softLimitMs: values['soft-limit'] }),
      ...(values['hard-limit'] !== undefined && { hardLimitMs: values['hard-limit'] }),
      ...(values.tags !== undefined && { tags: values.tags }),
    };
    return withOperations(values, async (operations) => {
      const task = await operations.call.tasks.enqueue.mutate({ name, input, ...options });
      await operations.database?.notifier.flush();
      if (!wait) {
        console.log(toJson(task, 2));
        return 0;
      }
      // Whoever interrupts, or may not look, has to know what was sent.
      console.error(`Task ${task.id} is sent`);
      await warnWithoutWorker(operations, task.queue);
      const { input: _input, ...final } = await followTask(operations, task.id);
      console.log(toJson(final, 2));
      return final.state === 'succeeded' ? 0 : 1;
    });
  },
});

async function warnWithoutWorker({ call }: Operations, queue: string): Promise<void> {
  // A key of another tenant does not see the workers.
  const page = await call.workers.list.query({ state: ['live'], limit: 200 }).catch(() => undefined);
  if (
    page === undefined ||
    page.nextCursor !== null ||
    page.items.some(({ queues }) => queues.includes(queue))
  )
    return;
  console.error(`No live worker serves queue "${queue}" now; the task waits for one (lovage worker)`);
}
