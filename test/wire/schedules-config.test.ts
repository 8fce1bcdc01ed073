import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { diag } from '../../packs/diag/index.ts';
import { echo, noop } from '../../packs/diag/tasks.ts';
import { defineConfig, type Config, type ScheduledTask } from '../../src/config.ts';
import { SetupError } from '../../src/errors.ts';
import { migrateFor } from '../../src/open.ts';
import { definePack } from '../../src/pack.ts';
import { fireDue } from '../../src/schedules/fire.ts';
import { getSchedule } from '../../src/schedules/get.ts';
import { listSchedules } from '../../src/schedules/list.ts';
import { pauseSchedule } from '../../src/schedules/pause.ts';
import { putSchedule } from '../../src/schedules/put.ts';
import { removeSchedule } from '../../src/schedules/remove.ts';
import { runSchedule } from '../../src/schedules/run.ts';
import { defineTask } from '../../src/task.ts';
import { ScheduleTicker } from '../../src/worker/upkeep/schedule-ticker.ts';
import { say } from '../cli/said.ts';
import { configFile, openLab, until, type Lab } from '../lab.ts';

let lab: Lab;
beforeAll(async () => {
  lab = await openLab();
});
afterAll(() => lab[Symbol.asyncDispose]());

const configOf = (schedules: Record<string, ScheduledTask>): Config =>
  defineConfig({ packs: [diag], schedules });
const start = (schedules: Record<string, ScheduledTask>) => migrateFor(configOf(schedules), lab.url);
const nightly = { task: echo, input: { value: 1 }, cron: '0 3 * * *', timeZone: 'Europe/Berlin' };
const get = (name: string) => getSchedule(lab.lovage, lab.caller, name);
const names = async () => (await listSchedules(lab.lovage, lab.caller)).items.map(({ name }) => name);

test('a start makes the schedules of the configuration so, and keeps their times and pauses', async () => {
  await putSchedule(lab.lovage, lab.caller, { name: 'ours', task: 'diag.noop', input: {}, cron: '@daily' });
  await start({ nightly, weekly: { task: noop, input: {}, rrule: 'FREQ=WEEKLY;BYDAY=MO' } });
  expect(await names()).toEqual(['nightly', 'ours', 'weekly']);
  const first = await get('nightly');
  expect(first).toMatchObject({
    source: 'config',
    createdBy: 'config',
    timeZone: 'Europe/Berlin',
    input: { value: 1 },
  });

  await pauseSchedule(lab.lovage, lab.caller, 'nightly');
  await lab.sql("UPDATE lovage.schedule SET next_at = next_at + interval '7 days' WHERE name = 'nightly'");
  const moved = async () =>
    (await lab.sql<{ at: Date }>("SELECT next_at AS at FROM lovage.schedule WHERE name = 'nightly'"))[0]?.at;
  const at = await moved();
  await start({ nightly });
  expect(await names()).toEqual(['nightly', 'ours']);
  expect(await moved()).toEqual(at);
  expect(await get('nightly')).toMatchObject({ state: 'paused', updatedAt: first.updatedAt });

  await start({ nightly: { ...nightly, input: { value: 2 } } });
  expect(await moved()).toEqual(at);
  await start({ nightly: { ...nightly, cron: '0 4 * * *' } });
  expect((await moved())?.getTime()).toBeLessThan(at?.getTime() ?? 0);
  expect(await get('nightly')).toMatchObject({ state: 'paused', cron: '0 4 * * *' });
  await start({});
  expect(await names()).toEqual(['ours']);
});

test('a command that only looks adds what is not there, and changes and removes nothing', async () => {
  await start({ nightly, weekly: { ...nightly, cron: '@weekly' } });
  const theirs = configOf({
    nightly: { ...nightly, cron: '0 6 * * *' },
    daily: { ...nightly, cron: '@daily' },
  });
  await migrateFor(theirs, lab.url, { changes: false });
  expect(await names()).toEqual(['daily', 'nightly', 'ours', 'weekly']);
  expect(await get('nightly')).toMatchObject({ cron: '0 3 * * *' });
  await start({});
});

test('schedules of a pack are there as the configuration’s own are, which win', async () => {
  const pack = definePack({
    ...diag,
    schedules: { nightly, sweep: { task: noop, input: {}, cron: '@daily' } },
  });
  const own = { nightly: { ...nightly, cron: '0 5 * * *' } };
  await migrateFor(defineConfig({ packs: [pack], schedules: own }), lab.url);
  expect(await get('sweep')).toMatchObject({ source: 'config', task: 'diag.noop', cron: '@daily' });
  expect(await get('nightly')).toMatchObject({ source: 'config', cron: '0 5 * * *' });
  await start({});
  expect(await names()).not.toContain('sweep');
});

test('what the configuration made is changed there only; it can be paused and run', async () => {
  await start({ nightly });
  const change = { name: 'nightly', task: 'diag.noop', input: {}, cron: '@daily' };
  await expect(putSchedule(lab.lovage, lab.caller, change)).rejects.toMatchObject({ code: 'conflict' });
  await expect(removeSchedule(lab.lovage, lab.caller, 'nightly')).rejects.toMatchObject({ code: 'conflict' });
  expect(await runSchedule(lab.lovage, lab.caller, 'nightly')).toMatchObject({ name: 'diag.echo' });
  expect(await get('nightly')).toMatchObject({ cron: '0 3 * * *', source: 'config' });
});

test('one that has run out does not keep a process from starting', async () => {
  const over = { task: noop, input: {}, rrule: 'DTSTART:20200101T000000Z\nRRULE:FREQ=DAILY;COUNT=3' };
  await start({ over });
  expect(await get('over')).toMatchObject({ state: 'ended', nextAt: null });
});

test('a start with a schedule that makes no sense says which, in one line', async () => {
  const foreign = { ...noop, name: 'other.noop' };
  const faults: [Record<string, unknown>, RegExp][] = [
    [{ ...nightly, cron: '61 * * * *' }, /^schedule "nightly": .*\/cron: .*range 0-59/],
    [{ ...nightly, timeZone: 'Mars' }, /^schedule "nightly": .*\/timeZone: "Mars"/],
    [{ ...nightly, rrule: 'FREQ=DAILY' }, /give either cron or rrule/],
    [{ ...nightly, input: {} }, /^schedule "nightly": the input does not fit .*\/input\/value/],
    [{ ...nightly, task: foreign }, /no pack registers the task "other\.noop"/],
    [{ ...nightly, colour: 'red' }, /colour/],
    [{ ...nightly, priority: 1e9 }, /priority/],
  ];
  for (const [scheduled, line] of faults) {
    const refused = await start({ nightly: scheduled as never }).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(SetupError);
    expect((refused as SetupError).message).toMatch(line);
    expect((refused as SetupError).message).not.toContain('\n');
  }
  await expect(start({ 'bad name': nightly })).rejects.toThrow('schedule "bad name": name: must be');
});

test('a schedule whose task no worker here knows waits for one that does', async () => {
  await start({ nightly });
  await lab.sql("UPDATE lovage.schedule SET task_name = 'gone.task', next_at = now() - interval '1 s'");
  expect(await fireDue(lab.lovage)).toBe(0);
});

test('where its definition is unique while it runs, a time that comes too early starts nothing and says why', async () => {
  const alone = defineTask({
    name: 'diag.alone',
    input: z.null(),
    output: z.null(),
    dedupe: {},
    run: () => null,
  });
  const config = defineConfig({
    packs: [definePack({ name: 'alone', tasks: [alone, noop] })],
    schedules: {
      alone: { task: alone, input: null, cron: '@hourly' },
      other: { task: noop, input: {}, cron: '@hourly' },
    },
  });
  await migrateFor(config, lab.url);
  const lovage = { ...lab.lovage, config };
  const { id } = await runSchedule(lovage, lab.caller, 'alone');
  await expect(runSchedule(lovage, lab.caller, 'alone')).rejects.toMatchObject({ code: 'conflict' });
  await lab.sql("UPDATE lovage.schedule SET next_at = now() - interval '1 s'");
  const ticker = new ScheduleTicker(lovage);
  ticker.start();
  await until(
    async () => (await get('other')).lastTaskId !== null && (await get('alone')).lastError !== null,
  );
  await ticker.stop();
  expect(await get('alone')).toMatchObject({
    lastError: expect.stringContaining(id) as string,
    state: 'active',
  });
});

test('the command line lists, previews, pauses, resumes and runs schedules', async () => {
  await start({});
  await putSchedule(lab.lovage, lab.caller, {
    name: 'ours',
    task: 'diag.noop',
    input: {},
    cron: '30 2 * * *',
    timeZone: 'Europe/Berlin',
  });
  vi.stubEnv('DATABASE_URL', lab.url);
  vi.stubEnv('LOVAGE_CONFIG', configFile);
  const does = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await say('schedules', ...args);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    return stdout;
  };
  try {
    expect(await does()).toMatch(
      /^SCHEDULE +TASK +RULE +NEXT +LAST +STATE +FROM\nours +diag\.noop +30 2 \* \* \* \(Europe\/Berlin\) +in \d+ \S+ +- +active +api$/,
    );
    expect(JSON.parse(await does('list', '--json'))).toMatchObject({
      items: [{ name: 'ours', state: 'active' }],
    });
    expect(await does('pause', 'ours')).toBe('Schedule ours is paused');
    expect(await does('pause', 'ours')).toMatch(/^Schedule ours is paused already, by cli:/);
    expect((await does('preview', 'ours', '-n', '3')).split('\n')).toHaveLength(3);
    expect(await does('preview', '--cron', '0 0 1 1 *', '-n', '1')).toMatch(/^\d{4}-01-01T00:00:00.000Z$/);
    expect(
      await does('preview', '--rrule', 'FREQ=YEARLY', '--time-zone', 'Europe/Berlin', '-n', '1'),
    ).toMatch(/Z +\d{4}-01-01 00:00:00 GMT\+1$/);
    expect(await does('run', 'ours')).toMatch(
      /^Task [0-9a-f-]{36} \(diag\.noop\) is started by schedule ours$/,
    );
    expect(await does('resume', 'ours')).toMatch(/^Schedule ours is resumed; next \S+Z$/);
    expect(await does('resume', 'ours')).toBe('Schedule ours was not paused');
    expect(await say('schedules', 'pause', 'none')).toMatchObject({
      code: 3,
      stderr: 'lovage: no schedule is named "none"',
    });
    expect((await say('schedules', 'prevue')).stderr).toContain('there is no "schedules prevue"');
    expect((await say('schedules', 'preview', '--cron', 'x')).stderr).toContain(
      '/cron: must have five fields',
    );
  } finally {
    vi.unstubAllEnvs();
  }
});
