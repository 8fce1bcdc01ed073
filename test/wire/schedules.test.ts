import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { fireDue } from '../../src/schedules/fire.ts';
import type { ScheduleRunView, ScheduleView } from '../../src/wire/schedules.ts';
import { openHttpLab, pointers, type Answer, type HttpLab } from '../api/http-lab.ts';
import { until } from '../lab.ts';

let http: HttpLab;
beforeAll(async () => {
  http = await openHttpLab();
});
beforeEach(() => http.lab.sql('DELETE FROM lovage.schedule'));
afterAll(() => http[Symbol.asyncDispose]());

const HOURLY = { task: 'diag.echo', input: { value: 1 }, cron: '0 * * * *' };
const put = (name: string, body: object = HOURLY, key?: string) =>
  http.call('PUT', `/v1/schedules/${name}`, { body, ...(key !== undefined && { key }) });
const schedule = async (name: string) =>
  (await http.call('GET', `/v1/schedules/${name}`)).body as unknown as ScheduleView;
const runsOf = async (name: string) =>
  (await http.call('GET', `/v1/schedules/${name}/runs`)).body.items as unknown as ScheduleRunView[];
/** As if its time had come so long ago. */
const makeDue = (name: string, ago = '1 second') =>
  http.lab.sql(
    `UPDATE lovage.schedule SET next_at = date_trunc('second', now()) - $2::interval WHERE name = $1`,
    [name, ago],
  );
const isAhead = (iso: string | null) => iso !== null && Date.parse(iso) > Date.now() - 1_000;
const problem = ({ status, body }: Answer) => `${status} ${body.type}`;

describe('over HTTP', () => {
  test('a schedule is created, shown, listed, replaced and removed', async () => {
    const created = await put('nightly', {
      ...HOURLY,
      timeZone: 'Europe/Berlin',
      missed: 'once',
      priority: 5,
      tags: ['night'],
    });
    expect(created.status).toBe(201);
    expect(created.body).toMatchObject({
      name: 'nightly',
      task: 'diag.echo',
      input: { value: 1 },
      cron: '0 * * * *',
      rrule: null,
      timeZone: 'Europe/Berlin',
      missed: 'once',
      priority: 5,
      tags: ['night'],
      state: 'active',
      lastAt: null,
      lastTaskId: null,
      lastError: null,
      source: 'api',
      createdBy: 'key:root',
      pausedAt: null,
    });
    const { nextAt } = created.body as unknown as ScheduleView;
    expect(isAhead(nextAt)).toBe(true);

    expect(await schedule('nightly')).toEqual(created.body);
    const { items } = (await http.call('GET', '/v1/schedules')).body;
    const { input: _input, ...listed } = created.body as unknown as ScheduleView;
    expect(items).toEqual([listed]);

    const replaced = await put('nightly', { ...HOURLY, rrule: 'FREQ=MONTHLY;BYMONTHDAY=1', cron: undefined });
    expect(replaced.status).toBe(200);
    expect(replaced.body).toMatchObject({
      cron: null,
      rrule: 'DTSTART:20000101T000000\nRRULE:FREQ=MONTHLY;BYMONTHDAY=1',
      missed: 'skip',
      priority: null,
      tags: [],
    });
    expect((await http.call('DELETE', '/v1/schedules/nightly')).status).toBe(204);
    expect(problem(await http.call('GET', '/v1/schedules/nightly'))).toBe('404 /problems/schedule-not-found');
    expect(problem(await http.call('DELETE', '/v1/schedules/nightly'))).toBe(
      '404 /problems/schedule-not-found',
    );
  });

  test('pages of schedules and of runs hold each one once', async () => {
    for (const name of ['b', 'C', 'a']) await put(name);
    const first = (await http.call('GET', '/v1/schedules?limit=2')).body;
    const second = (await http.call('GET', `/v1/schedules?limit=2&cursor=${first.nextCursor}`)).body;
    expect([...first.items, ...second.items].map(({ name }) => name)).toEqual(['C', 'a', 'b']);
    expect(second.nextCursor).toBeNull();

    for (let i = 0; i < 3; i += 1) await http.call('POST', '/v1/schedules/a/run');
    const runs = (await http.call('GET', '/v1/schedules/a/runs?limit=2')).body;
    const rest = (await http.call('GET', `/v1/schedules/a/runs?limit=2&cursor=${runs.nextCursor}`)).body;
    expect([...runs.items, ...rest.items]).toEqual(await runsOf('a'));
    expect(rest.items).toHaveLength(1);
    expect(pointers(await http.call('GET', '/v1/schedules?cursor=%21'))).toEqual(['cursor']);
  });

  test('what makes no sense is refused with a pointer, and nothing is written', async () => {
    const refusals: [string, object, string[]][] = [
      ['x', { ...HOURLY, cron: '61 * * * *' }, ['/cron']],
      ['x', { ...HOURLY, timeZone: 'Mars/X' }, ['/timeZone']],
      ['x', { ...HOURLY, cron: undefined, rrule: 'FREQ=NEVER' }, ['/rrule']],
      ['x', { ...HOURLY, cron: undefined }, ['/cron']],
      ['x', { ...HOURLY, input: {} }, ['/input/value']],
      ['x', { ...HOURLY, input: { value: 'a\0b' } }, ['/value']],
      ['x', { ...HOURLY, missed: 'twice' }, ['/missed']],
      ['x', { ...HOURLY, surprise: 1 }, ['/surprise']],
      ['%20x', HOURLY, ['/name']],
      ['x'.repeat(81), HOURLY, ['/name']],
    ];
    for (const [name, body, expected] of refusals) {
      const answer = await put(name, body);
      expect([answer.status, pointers(answer)], answer.text).toEqual([422, expected]);
    }
    expect(problem(await put('x', { ...HOURLY, task: 'diag.none' }))).toBe('404 /problems/unknown-task-name');
    expect((await http.call('GET', '/v1/schedules/%00')).status).toBe(422);
    expect(await http.lab.sql('SELECT FROM lovage.schedule')).toEqual([]);
  });

  test('a rule is shown by its next times, saved or not', async () => {
    const body = { cron: '30 2 * * *', timeZone: 'Europe/Berlin', n: 3 };
    const unsaved = await http.call('POST', '/v1/schedules:preview', { body });
    expect(unsaved.body).toMatchObject({ timeZone: 'Europe/Berlin' });
    expect(unsaved.body.items).toHaveLength(3);
    await put('early', { ...HOURLY, cron: '30 2 * * *', timeZone: 'Europe/Berlin' });
    await http.call('POST', '/v1/schedules/early/pause');
    expect((await http.call('GET', '/v1/schedules/early/preview?n=3')).body).toEqual(unsaved.body);
    expect((await http.call('GET', '/v1/schedules/early/preview')).body.items).toHaveLength(10);
    expect(pointers(await http.call('GET', '/v1/schedules/early/preview?n=0'))).toEqual(['n']);
    expect(pointers(await http.call('POST', '/v1/schedules:preview', { body: { cron: 'x' } }))).toEqual([
      '/cron',
    ]);
  });

  test('each scope allows its own, and a tenant sees only its own schedules', async () => {
    await put('ours');
    const [reader, enqueuer, stranger] = await Promise.all([
      http.keyFor(['read']),
      http.keyFor(['enqueue']),
      http.keyFor(['admin'], 'acme'),
    ]);
    const status = async (method: string, path: string, key: string) =>
      (await http.call(method, `/v1/schedules${path}`, { key, ...(method === 'PUT' && { body: HOURLY }) }))
        .status;
    expect(await status('GET', '/ours', reader)).toBe(200);
    expect(await status('POST', '/ours/run', reader)).toBe(403);
    expect(await status('POST', '/ours/run', enqueuer)).toBe(202);
    for (const [method, path] of [
      ['PUT', '/ours'],
      ['DELETE', '/ours'],
      ['POST', '/ours/pause'],
      ['POST', '/ours/resume'],
    ] as const) {
      expect(await status(method, path, enqueuer), `${method} ${path}`).toBe(403);
    }
    for (const path of ['/ours', '/ours/runs', '/ours/preview'])
      expect(await status('GET', path, stranger), path).toBe(404);
    for (const path of ['/ours/pause', '/ours/resume', '/ours/run'])
      expect(await status('POST', path, stranger), path).toBe(404);
    expect(await status('DELETE', '/ours', stranger)).toBe(404);
    expect((await http.call('GET', '/v1/schedules', { key: stranger })).body.items).toEqual([]);
    expect(await status('PUT', '/ours', stranger)).toBe(201);
    await makeDue('ours');
    await fireDue(http.lovage);
    const { items } = (await http.call('GET', '/v1/tasks?tag=schedule:ours', { key: stranger })).body;
    expect(items).toMatchObject([{ name: 'diag.echo', createdBy: 'schedule:ours' }]);
  });

  test('tRPC has the same verbs', async () => {
    const call = async (path: string, input: object, method = 'POST') => {
      const query = method === 'GET' ? `?input=${encodeURIComponent(JSON.stringify(input))}` : '';
      const answer = await http.call(method, `/trpc/schedules.${path}${query}`, {
        ...(method === 'POST' && { body: input, headers: { 'content-type': 'application/json' } }),
      });
      return (answer.body as unknown as { result: { data: unknown } }).result.data;
    };
    const name = 'typed';
    expect(await call('put', { name, ...HOURLY })).toMatchObject({ outcome: 'created', schedule: { name } });
    expect(await call('get', { name }, 'GET')).toMatchObject({ name, state: 'active' });
    expect(await call('list', {}, 'GET')).toMatchObject({ items: [{ name }] });
    expect(await call('pause', { name })).toMatchObject({ outcome: 'paused' });
    expect(await call('resume', { name })).toMatchObject({ outcome: 'resumed' });
    expect(await call('run', { name })).toMatchObject({ name: 'diag.echo', state: 'queued' });
    expect(await call('runs', { name }, 'GET')).toMatchObject({ items: [{ kind: 'by_hand' }] });
    expect(await call('preview', { name, n: 2 }, 'GET')).toMatchObject({ timeZone: 'UTC' });
    expect(await call('previewRule', { cron: '@daily', n: 2 }, 'GET')).toMatchObject({ timeZone: 'UTC' });
    expect(await call('remove', { name })).toMatchObject({ name });
  });
});

describe('when its time has come', () => {
  test('its task is enqueued, once however many come to it, and the next time is set', async () => {
    await put('hourly', { ...HOURLY, priority: 7, tags: ['x'] });
    const [{ at } = { at: '' }] = await http.lab.sql<{ at: string }>(
      "UPDATE lovage.schedule SET next_at = date_trunc('second', now()) - interval '1 s' RETURNING to_jsonb(next_at) #>> '{}' AS at",
    );
    const moved = await Promise.all(Array.from({ length: 10 }, () => fireDue(http.lovage)));
    expect(moved.reduce((sum, n) => sum + n)).toBe(1);
    const [run] = await runsOf('hourly');
    expect(await runsOf('hourly')).toMatchObject([
      { occurrence: new Date(at).toISOString(), kind: 'due', error: null },
    ]);
    const tasks = (await http.call('GET', '/v1/tasks?tag=schedule:hourly&include=input')).body.items;
    expect(tasks).toMatchObject([
      {
        id: run?.taskId,
        name: 'diag.echo',
        input: { value: 1 },
        priority: 7,
        tags: ['x', 'schedule:hourly'],
        createdBy: 'schedule:hourly',
      },
    ]);
    const shown = await schedule('hourly');
    expect(shown).toMatchObject({ lastTaskId: run?.taskId, lastError: null, state: 'active' });
    expect(isAhead(shown.nextAt)).toBe(true);
    expect(isAhead(shown.lastAt)).toBe(true);
  });

  test('an occurrence that ran does not run again where somebody turns next_at back', async () => {
    await put('turned-back');
    await makeDue('turned-back');
    await fireDue(http.lovage);
    await http.lab.sql(
      'UPDATE lovage.schedule s SET next_at = r.occurrence FROM lovage.schedule_run r WHERE r.schedule_id = s.id',
    );
    expect(await fireDue(http.lovage)).toBe(1);
    expect(await runsOf('turned-back')).toHaveLength(1);
    expect((await http.call('GET', '/v1/tasks?tag=schedule:turned-back')).body.items).toHaveLength(1);
  });

  test('a late start runs every time of the last minute, and each once', async () => {
    await put('secondly', { ...HOURLY, cron: '* * * * * *' });
    await makeDue('secondly', '5 seconds');
    let moved = 0;
    while ((await fireDue(http.lovage)) > 0) moved += 1;
    expect(moved).toBeGreaterThanOrEqual(5);
    const runs = await runsOf('secondly');
    expect(runs.map(({ kind }) => kind)).toEqual(runs.map(() => 'due'));
    expect(new Set(runs.map(({ occurrence }) => occurrence)).size).toBe(moved);
  });

  test('what nobody was there for is skipped, or made up once for all', async () => {
    await put('skips', { ...HOURLY, cron: '* * * * * *' });
    await put('makes-up', { ...HOURLY, cron: '* * * * * *', missed: 'once' });
    await http.lab.sql(
      "UPDATE lovage.schedule SET next_at = date_trunc('second', now()) - interval '2 hours'",
    );
    expect(await fireDue(http.lovage)).toBe(2);
    expect(await runsOf('skips')).toMatchObject([{ kind: 'skipped', taskId: null, error: null }]);
    expect(await runsOf('makes-up')).toMatchObject([
      { kind: 'made_up', taskId: expect.any(String) as string },
    ]);
    for (const name of ['skips', 'makes-up']) expect(isAhead((await schedule(name)).nextAt), name).toBe(true);
  });

  test('a minute late is not missed', async () => {
    await put('almost');
    await makeDue('almost', '50 seconds');
    await fireDue(http.lovage);
    expect(await runsOf('almost')).toMatchObject([{ kind: 'due', taskId: expect.any(String) as string }]);
  });

  test('a recurrence with COUNT ends', async () => {
    const tomorrow = new Date(Date.now() + 86_400_000).toISOString().replaceAll(/[-:]|\.\d+/g, '');
    await put('twice', {
      ...HOURLY,
      cron: undefined,
      rrule: `DTSTART:${tomorrow}\nRRULE:FREQ=DAILY;COUNT=1`,
    });
    await http.lab.sql(
      "UPDATE lovage.schedule SET next_at = now() - interval '1 s', expression = replace(expression, '2', '1')",
    );
    await fireDue(http.lovage);
    expect(await schedule('twice')).toMatchObject({
      state: 'ended',
      nextAt: null,
      lastTaskId: expect.any(String) as string,
    });
  });

  test('one that cannot start its task stops no other, says why, and goes on', async () => {
    for (const name of ['bad-input', 'refused', 'no-rule', 'good']) await put(name);
    await http.lab.sql(`UPDATE lovage.schedule SET input = '{}' WHERE name = 'bad-input'`);
    await http.lab.sql(
      `UPDATE lovage.schedule SET options = '{"priority": 99999999999}' WHERE name = 'refused'`,
    );
    await http.lab.sql(`UPDATE lovage.schedule SET expression = 'x' WHERE name = 'no-rule'`);
    await http.lab.sql("UPDATE lovage.schedule SET next_at = now() - interval '1 s'");
    await using worker = await workerOf(http);
    await until(async () => (await runsOf('refused')).length > 0 && (await runsOf('good')).length > 0);
    expect(await schedule('good')).toMatchObject({
      lastError: null,
      lastTaskId: expect.any(String) as string,
    });
    expect(await schedule('bad-input')).toMatchObject({
      lastError: expect.stringContaining('/value') as string,
      lastTaskId: null,
      state: 'active',
    });
    expect(await schedule('refused')).toMatchObject({
      lastError: expect.stringContaining('out of range') as string,
      state: 'active',
    });
    expect(await schedule('no-rule')).toMatchObject({
      lastError: expect.stringContaining('Invalid characters') as string,
      state: 'ended',
    });
    expect(worker.isReady()).toBe(true);
  });

  test('runs are kept up to a thousand', async () => {
    await put('old');
    await http.lab.sql(
      `INSERT INTO lovage.schedule_run (schedule_id, occurrence, kind)
       SELECT s.id, now() - n * interval '1 hour', 'due' FROM lovage.schedule s, generate_series(1, 1200) n`,
    );
    await makeDue('old');
    await fireDue(http.lovage);
    const [count] = await http.lab.sql<{ n: number }>(
      'SELECT count(*)::int AS n FROM lovage.schedule_run r JOIN lovage.schedule s ON s.id = r.schedule_id',
    );
    expect(count?.n).toBe(1_002);
  });
});

describe('by hand', () => {
  test('a paused schedule starts nothing, and what came due meanwhile is not made up', async () => {
    await put('paused', { ...HOURLY, missed: 'once' });
    expect((await http.call('POST', '/v1/schedules/paused/pause')).body).toMatchObject({
      outcome: 'paused',
      state: 'paused',
      nextAt: null,
      pausedBy: 'key:root',
    });
    expect((await http.call('POST', '/v1/schedules/paused/pause')).body).toMatchObject({
      outcome: 'already_paused',
    });
    await makeDue('paused', '2 hours');
    expect(await fireDue(http.lovage)).toBe(0);
    expect((await put('paused', { ...HOURLY, missed: 'once' })).body).toMatchObject({ state: 'paused' });

    expect(await http.lab.sql("SELECT lovage.resume_schedule('paused') AS said")).toEqual([
      { said: 'resumed' },
    ]);
    expect(await http.lab.sql("SELECT lovage.resume_schedule('paused') AS said")).toEqual([
      { said: 'not_paused' },
    ]);
    expect(isAhead((await schedule('paused')).nextAt)).toBe(true);
    expect(await fireDue(http.lovage)).toBe(1);
    expect(await schedule('paused')).toMatchObject({ state: 'active', pausedAt: null, lastAt: null });
    expect(await runsOf('paused')).toEqual([]);
    expect(await fireDue(http.lovage)).toBe(0);
    await makeDue('paused', '-1 hour');
    await http.lab.sql("SELECT lovage.pause_schedule('paused'), lovage.pause_schedule('none')");
    expect((await http.call('POST', '/v1/schedules/paused/resume')).body).toMatchObject({
      outcome: 'resumed',
    });
  });

  test('it is run now, also while it is paused, in the name of who asked', async () => {
    await put('now');
    await http.call('POST', '/v1/schedules/now/pause');
    const answer = await http.call('POST', '/v1/schedules/now/run');
    expect(answer.status).toBe(202);
    expect(answer.headers.get('location')).toBe(`/v1/tasks/${answer.body.id}`);
    expect(answer.body).toMatchObject({ name: 'diag.echo', createdBy: 'key:root', tags: ['schedule:now'] });
    expect(await runsOf('now')).toMatchObject([{ kind: 'by_hand', taskId: answer.body.id }]);
    expect(problem(await http.call('POST', '/v1/schedules/none/run'))).toBe(
      '404 /problems/schedule-not-found',
    );
    await http.lab.sql(`UPDATE lovage.schedule SET input = '{}'`);
    expect((await http.call('POST', '/v1/schedules/now/run')).status).toBe(422);
    expect(await runsOf('now')).toHaveLength(1);
  });
});

test('a worker sleeps until the next time, and wakes at once for a schedule that is due sooner', async () => {
  await using worker = await workerOf(http);
  await until(() => worker.isReady());
  await put('sooner');
  await makeDue('sooner');
  const [run] = await until(
    () => runsOf('sooner'),
    (runs) => runs.length > 0,
    5_000,
  );
  expect(await http.lab.final(run?.taskId ?? '')).toMatchObject({ state: 'succeeded' });

  await http.lab.sql("SELECT lovage.pause_schedule('sooner')");
  await put('secondly', { ...HOURLY, cron: '* * * * * *' });
  const runs = await until(
    () => runsOf('secondly'),
    (found) => found.length >= 3,
  );
  const lateMs = runs.map(({ at, occurrence }) => Date.parse(at) - Date.parse(occurrence));
  expect(Math.min(...lateMs)).toBeGreaterThanOrEqual(0);
  // Whoever looked every few seconds would find several at once, and only the last of them in its own second.
  expect(lateMs.filter((ms) => ms < 1_000).length).toBeGreaterThan(1);
});

async function workerOf(lab: HttpLab) {
  const worker = (await lab.work()) as { isReady(): boolean; drain(graceMs: number): Promise<unknown> };
  return { ...worker, [Symbol.asyncDispose]: async () => void (await worker.drain(0)) };
}
