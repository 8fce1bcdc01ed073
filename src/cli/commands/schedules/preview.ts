import { MAX_PREVIEW } from '../../../schedules/preview.ts';
import { defineCommand, UsageError } from '../../command.ts';
import { localTime } from '../../local-time.ts';
import { withOperations } from '../../operations.ts';
import { text, WAY_FLAGS, whole } from '../../options.ts';
import { print } from '../../print.ts';

export const preview = defineCommand({
  name: 'schedules preview',
  summary: 'Shows when a schedule, or a rule that is not saved, runs next',
  arguments: [{ name: 'NAME', which: 'schedule', isOptional: true, completes: 'schedules' }],
  options: {
    n: { ...whole('N', `so many times, 1 to ${MAX_PREVIEW} (default 10)`, [1, MAX_PREVIEW]), short: 'n' },
    cron: text('TEXT', 'of this rule, in place of a name'),
    rrule: text('TEXT', 'of this rule, in place of a name'),
    'time-zone': text('ZONE', 'with --cron and --rrule: such as Europe/Berlin (default UTC)'),
    ...WAY_FLAGS,
  },
  examples: [
    'schedules preview nightly-cleanup -n 3',
    'schedules preview --cron "30 2 * * *" --time-zone Europe/Berlin',
  ],
  async run({ n, cron, rrule, 'time-zone': timeZone, ...values }, [name]) {
    const isSaved = cron === undefined && rrule === undefined;
    if (isSaved && name === undefined)
      throw new UsageError('say which schedule: lovage schedules preview NAME');
    const count = n === undefined ? {} : { n };
    return withOperations(values, async ({ call }) => {
      const times =
        isSaved && name !== undefined
          ? await call.schedules.preview.query({ name, ...count })
          : await call.schedules.previewRule.query({
              ...(cron !== undefined && { cron }),
              ...(rrule !== undefined && { rrule }),
              ...(timeZone !== undefined && { timeZone }),
              ...count,
            });
      print(values, times, () => times.items.map((at) => localTime(at, times.timeZone)).join('\n'));
      return 0;
    });
  },
});
