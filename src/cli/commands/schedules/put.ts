import { defineCommand, UsageError } from '../../command.ts';
import { readJson } from '../../given-text.ts';
import { readPriority } from '../../key-flags.ts';
import { withOperations } from '../../operations.ts';
import { oneOf, text, WAY_FLAGS, words } from '../../options.ts';
import { print } from '../../print.ts';

export const put = defineCommand({
  name: 'schedules put',
  summary: 'Makes a schedule, or puts it in the place of the one of that name',
  arguments: [{ name: 'NAME', which: 'schedule', completes: 'schedules' }],
  options: {
    task: text('NAME', 'what it starts', 'tasks'),
    cron: text('TEXT', 'when: five fields, six with seconds first, or such as @daily'),
    rrule: text('TEXT', 'when: RFC 5545, in place of --cron'),
    'time-zone': text('ZONE', 'of the rule, such as Europe/Berlin (default UTC)'),
    input: text('JSON', 'the task’s input; @FILE reads it from a file, - from standard input (default {})'),
    missed: oneOf(
      'WHAT',
      ['skip', 'once'],
      'what becomes of times that no worker was there for: skip, or once for all (default skip)',
    ),
    priority: text('N', 'of its tasks, -1000 to 1000: --priority=-5 (default: as the definition says)'),
    tags: words('of its tasks, beside schedule:NAME'),
    ...WAY_FLAGS,
  },
  examples: [
    'schedules put monday-mail --task mail.welcome --cron "0 9 * * MON" --time-zone Europe/Berlin ' +
      `--input '{"to": "ada@example.com"}'`,
    'schedules put month-end --task filings.analyze --rrule "FREQ=MONTHLY;BYDAY=-1FR;BYHOUR=18" --input @packs/filings/samples/fictional-10k.json',
  ],
  notes: [
    'What is not named is as for a new one. The next time changes only where the rule does, and a pause stays.',
    'schedules preview --cron TEXT shows the times of a rule before. Exit code 3 for a schedule of the configuration.',
  ],
  async run({ task, cron, rrule, 'time-zone': timeZone, ...values }, [name = '']) {
    if (task === undefined)
      throw new UsageError(`say what it starts: lovage schedules put ${name} --task NAME`);
    if ((cron === undefined) === (rrule === undefined)) throw new UsageError('say when: --cron or --rrule');
    const schedule = {
      name,
      task,
      input: await readJson(values.input ?? '{}', '--input'),
      ...(cron !== undefined && { cron }),
      ...(rrule !== undefined && { rrule }),
      ...(timeZone !== undefined && { timeZone }),
      ...(values.missed !== undefined && { missed: values.missed }),
      ...(values.priority !== undefined && { priority: readPriority(values.priority) }),
      ...(values.tags !== undefined && { tags: values.tags }),
    };
    return withOperations(values, async ({ call }) => {
      const { schedule: saved, outcome } = await call.schedules.put.mutate(schedule);
      const next = saved.nextAt === null ? `it is ${saved.state}` : `next ${saved.nextAt}`;
      print(values, { ...saved, outcome }, `Schedule ${name} is ${outcome}; ${next}`);
      return 0;
    });
  },
});
