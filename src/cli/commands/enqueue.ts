import { audited } from '../../audit/call.ts';
import { readFile } from 'node:fs/promises';
import type { Lovage } from '../../lovage.ts';
import { findUnstorable, suspect } from '../../json/unstorable.ts';
import { enqueueTask } from '../../tasks/enqueue.ts';
import { getTask } from '../../tasks/get.ts';
import { waitForTask } from '../../tasks/wait.ts';
import { isFinal, type Caller, type TaskView } from '../../wire.ts';
import { optionalNumber, readArguments, wholeNumber } from '../arguments.ts';
import { UsageError, type Command } from '../command.ts';
import { createProgressBar } from '../progress-bar.ts';
import { withLovage } from '../with-lovage.ts';

const LOOK_EVERY_MS = 250;
const MAX_LIMIT_MS = 2_147_483_647;

export const enqueue: Command = {
  name: 'enqueue',
  summary: 'Sends a task, and waits for it where asked to',
  usage: 'enqueue NAME --input JSON [--wait]',
  options: [
    ['--input JSON', 'the task’s input; @FILE reads it from a file, - from standard input (default {})'],
    ['--wait', 'show progress, print the final task, exit with 1 unless it succeeded'],
    ['--delay MS', 'start it so many milliseconds from now'],
    ['--priority N', 'higher runs first'],
    ['--soft-limit MS', 'after so long an attempt is told to stop'],
    ['--hard-limit MS', 'after so long an attempt is stopped'],
  ],
  examples: [
    'enqueue filings.analyze --input @packs/filings/samples/fictional-10k.json --wait',
    `enqueue mail.welcome --input '{"to": "ada@example.com"}' --delay 60000`,
  ],
  async run(args) {
    const { values, positionals } = readArguments(
      args,
      {
        input: { type: 'string', default: '{}' },
        wait: { type: 'boolean', default: false },
        delay: { type: 'string', default: '0' },
        priority: { type: 'string' },
        'soft-limit': { type: 'string' },
        'hard-limit': { type: 'string' },
      },
      1,
    );
    const [name] = positionals;
    if (!name) throw new UsageError('say which task: lovage enqueue NAME --input JSON');
    const input = await readInput(values.input);
    const request = {
      name,
      input,
      delayMs: wholeNumber(values.delay, '--delay', 0, 365 * 24 * 3_600_000),
      priority: optionalNumber(values.priority, '--priority', 0, 1_000),
      softLimitMs: optionalNumber(values['soft-limit'], '--soft-limit', 1, MAX_LIMIT_MS),
      hardLimitMs: optionalNumber(values['hard-limit'], '--hard-limit', 1, MAX_LIMIT_MS),
    };
    return withLovage(async (lovage, caller) => {
      const call = { action: 'tasks.enqueue', request: { name } };
      const task = await audited(lovage, caller, call, () => enqueueTask(lovage, caller, request));
      await lovage.notifier.flush();
      if (!values.wait) {
        console.log(JSON.stringify(task, null, 2));
        return 0;
      }
      const final = await follow(lovage, caller, task);
      console.log(JSON.stringify(final, null, 2));
      return final.state === 'succeeded' ? 0 : 1;
    });
  },
};

async function follow(lovage: Lovage, caller: Caller, task: TaskView): Promise<TaskView> {
  const bar = createProgressBar(process.stderr);
  if (!(await hasWorker(lovage, task.queue))) {
    console.error(`No live worker serves queue "${task.queue}" now; the task waits for one (lovage worker)`);
  }
  for (;;) {
    const seen = await waitForTask(lovage, caller, task.id, { timeoutMs: LOOK_EVERY_MS, include: [] });
    bar.show(seen.state, seen.progress);
    if (isFinal(seen.state)) {
      bar.end();
      const { input: _input, ...shown } = await getTask(lovage, caller, task.id);
      return shown;
    }
  }
}

async function hasWorker({ pool }: Lovage, queue: string): Promise<boolean> {
  const { rows } = await pool.query(
    `SELECT FROM lovage.worker
     WHERE $1 = ANY (queues) AND stopped_at IS NULL AND lost_at IS NULL AND heartbeat_at > now() - interval '15 s' LIMIT 1`,
    [queue],
  );
  return rows.length > 0;
}

async function readInput(given: string): Promise<unknown> {
  const text =
    given === '-' ? await readStdin() : given.startsWith('@') ? await readGivenFile(given.slice(1)) : given;
  let input: unknown;
  try {
    input = JSON.parse(text);
  } catch (error) {
    throw new UsageError(`--input is not JSON: ${(error as Error).message}`);
  }
  const [fault] = findUnstorable(input, suspect(text));
  if (fault) throw new UsageError(`--input: ${fault.pointer} ${fault.detail}`);
  return input;
}

async function readGivenFile(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new UsageError(`--input: ${(error as Error).message}`);
  }
}

async function readStdin(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
