import { audited } from '../../audit/call.ts';
import { listSchedules } from '../../schedules/list.ts';
import { pauseSchedule } from '../../schedules/pause.ts';
import { MAX_PREVIEW, previewRule, previewSchedule } from '../../schedules/preview.ts';
import { resumeSchedule } from '../../schedules/resume.ts';
import { runSchedule } from '../../schedules/run.ts';
import type { ScheduleView } from '../../wire/schedules.ts';
import { optionalNumber, readArguments } from '../arguments.ts';
import { UsageError, type Command } from '../command.ts';
import { localTime } from '../local-time.ts';
import { table } from '../table.ts';
import { withLovage } from '../with-lovage.ts';

const FLAGS = {
  json: { type: 'boolean', default: false },
  cron: { type: 'string' },
  rrule: { type: 'string' },
  'time-zone': { type: 'string' },
  n: { type: 'string', short: 'n' },
} as const;

type Values = ReturnType<typeof read>['values'];
const read = (args: readonly string[]) => readArguments(args, FLAGS, 2);

export const schedules: Command = {
  name: 'schedules',
  summary: 'Lists, previews, pauses, resumes and runs schedules',
  usage: 'schedules [list | preview NAME | pause NAME | resume NAME | run NAME] [--json]',
  options: [
    ['--json', 'print JSON'],
    ['-n N', `with preview: so many times, 1 to ${MAX_PREVIEW} (default 10)`],
    ['--cron TEXT', 'with preview: of this rule, in place of a name'],
    ['--rrule TEXT', 'with preview: of this rule, in place of a name'],
    ['--time-zone ZONE', 'with --cron and --rrule: such as Europe/Berlin (default UTC)'],
  ],
  examples: [
    'schedules',
    'schedules preview nightly-cleanup -n 3',
    'schedules preview --cron "30 2 * * *" --time-zone Europe/Berlin',
    'schedules pause nightly-cleanup',
    'schedules run nightly-cleanup',
  ],
  async run(args) {
    const { values, positionals } = read(args);
    const [verb = 'list', name] = positionals;
    const command = Object.hasOwn(VERBS, verb) ? VERBS[verb] : undefined;
    if (!command)
      throw new UsageError(`there is no "schedules ${verb}"; there are: ${Object.keys(VERBS).join(', ')}`);
    return command(values, name);
  },
};

const VERBS: Record<string, (values: Values, name: string | undefined) => Promise<number>> = {
  list: (values) =>
    withLovage(async (lovage, caller) => {
      const found: ScheduleView[] = [];
      let cursor: string | undefined;
      do {
        const page = await listSchedules(lovage, caller, { cursor, limit: 200 });
        found.push(...page.items);
        cursor = page.nextCursor ?? undefined;
      } while (cursor !== undefined);
      say(values, found, table(found.map(describe)));
      return 0;
    }),

  preview: (values, name) =>
    withLovage(async (lovage, caller) => {
      const n = optionalNumber(values.n, '-n', 1, MAX_PREVIEW);
      const { cron, rrule, 'time-zone': timeZone } = values;
      const isSaved = cron === undefined && rrule === undefined;
      const times = isSaved
        ? await previewSchedule(lovage, caller, named('preview', name), { n })
        : await previewRule(lovage, { cron, rrule, timeZone, n });
      say(values, times, times.items.map((time) => localTime(time, times.timeZone)).join('\n'));
      return 0;
    }),

  pause: (values, name) =>
    withLovage(async (lovage, caller) => {
      const { schedule, outcome } = await audited(lovage, caller, callOf('pause', name), () =>
        pauseSchedule(lovage, caller, named('pause', name)),
      );
      const already = outcome === 'paused' ? '' : ` already, by ${schedule.pausedBy}`;
      say(values, { ...schedule, outcome }, `Schedule ${name} is paused${already}`);
      return 0;
    }),

  resume: (values, name) =>
    withLovage(async (lovage, caller) => {
      const { schedule, outcome } = await audited(lovage, caller, callOf('resume', name), () =>
        resumeSchedule(lovage, caller, named('resume', name)),
      );
      const resumed = `is resumed${schedule.nextAt === null ? '' : `; next ${schedule.nextAt}`}`;
      say(
        values,
        { ...schedule, outcome },
        `Schedule ${name} ${outcome === 'resumed' ? resumed : 'was not paused'}`,
      );
      return 0;
    }),

  run: (values, name) =>
    withLovage(async (lovage, caller) => {
      const task = await audited(lovage, caller, callOf('run', name), () =>
        runSchedule(lovage, caller, named('run', name)),
      );
      say(values, task, `Task ${task.id} (${task.name}) is started by schedule ${name}`);
      return 0;
    }),
};

const callOf = (verb: string, name: string | undefined) => ({
  action: `schedules.${verb}`,
  request: { name: named(verb, name) },
});

function named(verb: string, name: string | undefined): string {
  if (name !== undefined) return name;
  throw new UsageError(`say which schedule: lovage schedules ${verb} NAME`);
}

const say = ({ json }: Values, value: unknown, text: string): void =>
  console.log(json ? JSON.stringify(value, null, 2) : text);

const describe = (schedule: ScheduleView) => ({
  schedule: schedule.name,
  task: schedule.task,
  rule: `${schedule.cron ?? schedule.rrule?.replaceAll('\n', ' ')} (${schedule.timeZone})`,
  next: schedule.nextAt ?? '-',
  last: schedule.lastError === null ? (schedule.lastAt ?? '-') : `failed: ${schedule.lastError.slice(0, 60)}`,
  state: schedule.state,
  from: schedule.source,
});
