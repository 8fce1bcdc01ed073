import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { noop } from '../../packs/diag/tasks.ts';
import type { Command } from '../../src/cli/command.ts';
import { cancel } from '../../src/cli/commands/tasks/cancel.ts';
import { run as enqueue } from '../../src/cli/commands/tasks/run.ts';
import { explain } from '../../src/cli/commands/tasks/explain.ts';
import { pause } from '../../src/cli/commands/queues/pause.ts';
import { list as queues } from '../../src/cli/commands/queues/list.ts';
import { resume } from '../../src/cli/commands/queues/resume.ts';
import { retry } from '../../src/cli/commands/tasks/retry.ts';
import { cancelTask } from '../../src/tasks/cancel.ts';
import { openCommandLab } from './command-lab.ts';
import { type Lab } from '../lab.ts';
import { oneLine, run } from './run.ts';

let lab: Lab;
beforeAll(async () => {
  lab = await openCommandLab();
});
afterAll(() => lab[Symbol.asyncDispose]());

/** A command as `main` calls it, without a process of its own: those cost a second each. */
async function does(command: Command, ...args: string[]): Promise<string> {
  return doesWith(0, command, ...args);
}

async function doesWith(code: number, command: Command, ...args: string[]): Promise<string> {
  const said: string[] = [];
  const log = vi.spyOn(console, 'log').mockImplementation((line: string) => void said.push(line));
  try {
    expect(await command.run(args)).toBe(code);
  } finally {
    log.mockRestore();
  }
  return said.join('\n');
}
const states = (tag: string) =>
  lab.sql<{ state: string; count: number }>(
    'SELECT state::text, count(*)::int FROM lovage.task WHERE $1 = ANY (tags) GROUP BY state',
    [tag],
  );
const send = async (tag: string) => (await lab.enqueue(noop, {}, { tags: [tag] })).id;

test('a task is explained, for people and as JSON', async () => {
  const { id, createdAt } = await lab.enqueue(noop, {});
  expect(await does(explain, id)).toMatch(
    /^queued\nREASON +SINCE +DETAIL\nno_worker +\S+ +no live worker serves queue "diag"$/,
  );
  expect(JSON.parse(await does(explain, id, '--json'))).toMatchObject({
    id,
    state: 'queued',
    reasons: [{ reason: 'no_worker', since: createdAt }],
  });
  const unknown = await run(['explain', 'nonsense'], { DATABASE_URL: lab.url });
  expect(unknown.stderr).toMatch(oneLine(/no task has the id "nonsense"/));
  expect(unknown.code).toBe(3);
});

test('one task is cancelled and retried, in the name of who did it', async () => {
  const id = await send('one');
  expect(await does(cancel, id, '--reason', 'typo')).toBe(`Task ${id} is cancelled`);
  expect(await does(cancel, id)).toBe(`Task ${id} is final already: nothing was changed`);
  expect(await does(retry, id)).toBe(`Task ${id} is queued again`);
  expect(await doesWith(3, retry, id)).toBe(`Task ${id} is queued: there is nothing to retry`);
  expect(JSON.parse(await doesWith(3, retry, id, '--json'))).toMatchObject({ id, outcome: 'not_final' });
  const by = expect.stringMatching(/^cli:/) as string;
  expect(await lab.events(id)).toMatchObject([
    { type: 'queued' },
    { type: 'cancelled', data: { by, reason: 'typo' } },
    { type: 'requeued', data: { by } },
  ]);
});

test('all that match are retried and cancelled, in as many calls as it takes', async () => {
  const ids = [await send('many'), await send('many')];
  // What lies between is more than one call looks at.
  await lab.sql(
    `INSERT INTO lovage.task (id, name, queue, state, tags, events)
     SELECT lovage.uuid_v7(), 'diag.noop', 'diag', 'queued', '{other}', 1 FROM generate_series(1, 21000)`,
  );
  ids.push(await send('many'));
  for (const id of ids) await cancelTask(lab.lovage, lab.caller, id);
  const retried = await run(['retry', '--tag', 'many', '--state', 'cancelled'], { DATABASE_URL: lab.url });
  expect(retried).toMatchObject({ code: 0, stdout: '3 queued, 0 skipped\n', stderr: '' });
  expect(await states('many')).toEqual([{ state: 'queued', count: 3 }]);
  await lab.sql(`DELETE FROM lovage.task WHERE 'other' = ANY (tags)`);

  expect(JSON.parse(await does(cancel, '--tag', 'many', '--state', 'queued', '--json'))).toEqual({
    cancelled: 3,
    requested: 0,
    skipped: 0,
  });
  expect(await states('many')).toEqual([{ state: 'cancelled', count: 3 }]);
});

test('a queue is paused, listed and resumed', async () => {
  expect(await does(pause, 'spare', '--reason', 'the disk is full')).toBe(
    'Queue spare is paused; what runs goes on (0)',
  );
  expect(await does(pause, 'spare')).toMatch(/^Queue spare is paused already, by cli:\S+: the disk is full$/);
  expect(await does(queues)).toMatch(/^spare +0 +0 +cli:\S+: the disk is full$/m);
  expect((JSON.parse(await does(queues, '--json')) as { items: unknown[] }).items).toContainEqual(
    expect.objectContaining({ name: 'solo', paused: null, waiting: 0, running: 0 }),
  );
  expect(await does(resume, 'spare')).toBe('Queue spare is resumed');
  expect(await does(resume, 'spare')).toBe('Queue spare was not paused');
  await expect(pause.run(['nope'])).rejects.toThrow('no queue is named "nope"');
});

test('an enqueue takes limits of its own', async () => {
  const made = await does(enqueue, 'diag.noop', '--soft-limit', '1000', '--hard-limit', '2000');
  expect(JSON.parse(made)).toMatchObject({ softLimitMs: 1000, hardLimitMs: 2000 });
  await expect(
    enqueue.run(['diag.noop', '--soft-limit', '2000', '--hard-limit', '1000']),
  ).rejects.toMatchObject({
    name: 'UsageError',
    message: 'the time limits make no sense\n  hardLimitMs: must not be below softLimitMs',
  });
});

test.each([
  [enqueue, ['diag.noop', '--soft-limit', '0'], /--soft-limit must be a whole number/],
  [explain, [], /say which task/],
  [retry, [], /say which: lovage retry ID/],
  [retry, ['ID', '--state', 'failed'], /say which: lovage retry ID/],
  [retry, ['--state', 'failed,done'], /--state: /],
  [retry, ['--state', 'queued'], /only a final task can be retried\n  \/state: must name a final state/],
  [cancel, [], /say which: lovage cancel ID/],
  [cancel, ['--created-after', 'yesterday'], /--created-after: /],
  [cancel, ['--reason', 'all of them'], /say which: lovage cancel ID/],
  [pause, [], /say which queue/],
  [resume, ['a', 'b'], /unexpected argument "b"/],
  [queues, ['diag'], /unexpected argument "diag"/],
] as const)('$name refuses what makes no sense: %j', async (command, args, says) => {
  const refused = Promise.resolve().then(() => command.run(args));
  await expect(refused).rejects.toMatchObject({
    name: 'UsageError',
    message: expect.stringMatching(says) as string,
  });
});
