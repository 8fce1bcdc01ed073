import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { ScheduleView } from '../../src/wire/schedules.ts';
import type { WebhookWithSecret } from '../../src/wire/webhooks.ts';
import { type HttpLab, openHttpLab, ROOT_KEY, SECRET } from '../api/http-lab.ts';
import { say } from '../cli/said.ts';
import { configFile } from '../lab.ts';
import { NODE_COMPILE_CACHE } from '../worker/processes.ts';

let lab: HttpLab;
beforeAll(async () => {
  lab = await openHttpLab(configFile);
  vi.stubEnv('DATABASE_URL', lab.lab.url);
  vi.stubEnv('LOVAGE_CONFIG', configFile);
  vi.stubEnv('LOVAGE_API_KEY', ROOT_KEY);
  vi.stubEnv('LOVAGE_SECRET', SECRET);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await lab[Symbol.asyncDispose]();
});

const UNKNOWN = '0197b6f0-0000-7000-8000-000000000000';
const HOOK = 'https://shop.example/hooks';
const overApi = (...args: string[]) => say(...args, '--url', lab.api.url);
const WAYS = [
  ['past the API', say],
  ['over the API', overApi],
] as const;

/** What it prints as JSON, of one that went well. */
async function read<Value>(said: ReturnType<typeof say>): Promise<Value> {
  const { code, stdout, stderr } = await said;
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout) as Value;
}

describe.each(WAYS)('%s', (_way, go) => {
  test('a webhook is made, changed, switched off and on, and removed', async () => {
    const made = await read<WebhookWithSecret>(
      go('webhooks', 'create', HOOK, '--events', 'task.failed,batch.finished', '--key', 'ci', '--json'),
    );
    expect(made).toMatchObject({ url: HOOK, events: ['task.failed', 'batch.finished'], key: 'ci' });
    expect(made.secret).toMatch(/^whsec_/);
    const update = (...change: string[]) =>
      read<WebhookWithSecret>(go('webhooks', 'update', made.id, ...change, '--json'));
    const { secret: _secret, ...view } = made;
    expect(await update('--to', `${HOOK}/2`)).toEqual({ ...view, url: `${HOOK}/2` });
    expect(await update('--events', 'all', '--every-key')).toMatchObject({ events: [], key: null });
    expect(await update('--key', 'cd')).toMatchObject({ key: 'cd', enabled: true });
    expect(await update('--disable')).toMatchObject({ enabled: false });
    expect(await update('--enable')).toMatchObject({ enabled: true, disabledReason: null });
    expect(await go('webhooks', 'remove', made.id)).toEqual({
      code: 0,
      stdout: `Webhook ${made.id} (${HOOK}/2) is removed`,
      stderr: '',
    });
    expect(await go('webhooks', 'show', made.id)).toMatchObject({ code: 3 });
  });

  test('its secret is shown once, when it is made and when it is rotated, or is one’s own', async () => {
    const made = await go('webhooks', 'create', HOOK);
    const [secret = '', , sentence] = made.stdout.split('\n');
    expect(sentence).toMatch(/^This is the only time the secret is shown\. Webhook \S+ is told of: all\.$/);
    const [id = ''] = /[0-9a-f-]{36}/.exec(sentence ?? '') ?? [];
    const rotated = await go('webhooks', 'rotate', id, '--grace', '60000');
    expect(rotated.stdout).toMatch(
      /^whsec_.+\n\nThis .* shown\. The former one signs too until \d{4}-.*Z\.$/,
    );
    expect(rotated.stdout).not.toContain(secret);
    expect((await go('webhooks', 'rotate', id, '--grace', '0')).stdout).toMatch(/shown\.$/);
    const folder = await mkdtemp(join(tmpdir(), 'lovage-secret-'));
    const file = join(folder, 'secret');
    await writeFile(file, 'hunter2');
    const weak = await go('webhooks', 'rotate', id, '--secret', `@${file}`);
    expect(weak).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/\/secret: must be whsec_/) as string,
    });
    await writeFile(file, `${secret}\n`);
    const own = await go('webhooks', 'rotate', id, '--secret', `@${file}`, '--json');
    await rm(folder, { recursive: true });
    expect(JSON.parse(own.stdout)).toMatchObject({ id, secret });
    expect((await go('webhooks', 'show', id, '--json')).stdout).not.toContain('whsec_');
    await go('webhooks', 'remove', id);
  });

  test('a schedule is made, shown with its runs, put anew and removed', async () => {
    const put = (...more: string[]) =>
      go('schedules', 'put', 'hourly', '--task', 'diag.echo', '--input', '{"value": [1]}', ...more);
    const rule = ['--cron', '0 * * * *', '--time-zone', 'Europe/Berlin'];
    expect(await put(...rule)).toEqual({
      code: 0,
      stdout: expect.stringMatching(/^Schedule hourly is created; next \d{4}-.*Z$/) as string,
      stderr: '',
    });
    const ran = await read<{ id: string }>(go('schedules', 'run', 'hourly', '--json'));
    const shown = (await go('schedules', 'show', 'hourly')).stdout;
    expect(shown).toMatch(
      /input +\{"value":\[1\]\}\nrule +0 \* \* \* \* \(Europe\/Berlin\)\nstate +active\n/,
    );
    expect(shown).toMatch(new RegExp(`\nTIME +KIND +TASK ID +ERROR\n.* by hand +${ran.id}$`));
    const more = ['--missed', 'once', '--priority=-5', '--tags', 'a, b', '--json'];
    const replaced = await read<ScheduleView>(put('--rrule', 'FREQ=DAILY;BYHOUR=3', ...more));
    expect(replaced).toMatchObject({ outcome: 'replaced', cron: null, missed: 'once', priority: -5 });
    expect(replaced.tags).toEqual(['a', 'b']);
    const both = await read<object>(go('schedules', 'show', 'hourly', '--json'));
    expect(both).toMatchObject({
      schedule: { input: { value: [1] } },
      runs: { items: [{ kind: 'by_hand' }] },
    });
    expect((await go('schedules', 'remove', 'hourly')).stdout).toBe('Schedule hourly is removed');
    expect(await go('schedules', 'show', 'hourly')).toMatchObject({ code: 3 });
  });

  const put = (...more: string[]) => {
    const task = more.includes('--task') ? [] : ['--task', 'diag.noop'];
    return ['schedules', 'put', 'wrong', ...task, ...more];
  };
  test.each<[code: number, says: RegExp, ...args: string[]]>([
    [2, /^\n {2}\/cron: must have five fields/, ...put('--cron', '0 3 * *')],
    [2, /^\n {2}\/rrule: .*FREQ/, ...put('--rrule', 'FREQ=NOW')],
    [2, /^\n {2}\/timeZone: "Mars" is no time zone/, ...put('--cron', '@daily', '--time-zone', 'Mars')],
    [2, /^say when: --cron or --rrule$/, ...put()],
    [2, /^say when: --cron or --rrule$/, ...put('--cron', '@daily', '--rrule', 'FREQ=DAILY')],
    [
      2,
      /^say what it starts: lovage schedules put x --task NAME$/,
      'schedules',
      'put',
      'x',
      '--cron',
      '@daily',
    ],
    [2, /^--input is not JSON: /, ...put('--cron', '@daily', '--input', '{to:')],
    [
      2,
      /\/input\/ms: .*number/,
      ...put('--cron', '@daily', '--task', 'diag.sleep', '--input', '{"ms": "x"}'),
    ],
    [2, /no task .*"nobody\.knows"/, 'schedules', 'put', 'x', '--task', 'nobody.knows', '--cron', '@daily'],
    [2, /^--missed: "all" is none of skip, once$/, ...put('--cron', '@daily', '--missed', 'all')],
    [2, /^--priority must be a whole number/, ...put('--cron', '@daily', '--priority', 'high')],
    [
      2,
      /\/name: must be up to 80 letters/,
      'schedules',
      'put',
      'a b',
      '--task',
      'diag.noop',
      '--cron',
      '@daily',
    ],
    [3, /no schedule is named "nope"/, 'schedules', 'show', 'nope'],
    [3, /no schedule is named "nope"/, 'schedules', 'remove', 'nope'],
    [2, /\/url: must be an https URL/, 'webhooks', 'create', 'shop.example'],
    [2, /\/url: must lead to a public address/, 'webhooks', 'create', 'https://10.0.0.1/hook'],
    [2, /^--events: "task.done" is none of /, 'webhooks', 'create', HOOK, '--events', 'task.done'],
    [2, /^--secret: give it as @FILE/, 'webhooks', 'create', HOOK, '--secret', 'whsec_c2VjcmV0'],
    [2, /^--secret: ENOENT/, 'webhooks', 'create', HOOK, '--secret', '@nowhere'],
    [2, /^say which URL: lovage webhooks create URL$/, 'webhooks', 'create'],
    [2, /^say what to change: /, 'webhooks', 'update', UNKNOWN],
    [2, /^say --enable or --disable, not both$/, 'webhooks', 'update', UNKNOWN, '--enable', '--disable'],
    [2, /^say --key or --every-key, not both$/, 'webhooks', 'update', UNKNOWN, '--key', 'a', '--every-key'],
    [2, /\/url: must lead to a public/, 'webhooks', 'update', UNKNOWN, '--to', 'https://127.0.0.1/'],
    [2, /^--grace must be a whole number/, 'webhooks', 'rotate', UNKNOWN, '--grace', '1h'],
    [3, /no webhook has the id/, 'webhooks', 'update', UNKNOWN, '--enable'],
    [3, /no webhook has the id/, 'webhooks', 'rotate', UNKNOWN],
    [3, /no webhook has the id/, 'webhooks', 'remove', 'nonsense'],
  ])('code %s and %s', async (code, says, ...args) => {
    const said = await go(...args);
    const told = said.stderr.replace(/^lovage: (?:the schedule has no rule that makes sense)?/, '');
    expect(told).toMatch(says);
    expect(said).toMatchObject({ code, stdout: '' });
    expect(said.stderr.split('\n').length).toBeLessThanOrEqual(2);
  });

  test('a schedule of the configuration is left alone', async () => {
    await read(go('schedules', 'put', 'ours', '--task', 'diag.noop', '--cron', '@daily', '--json'));
    await lab.lab.sql(`UPDATE lovage.schedule SET source = 'config' WHERE name = 'ours'`);
    const put = await go('schedules', 'put', 'ours', '--task', 'diag.noop', '--cron', '@hourly');
    for (const { code, stderr } of [put, await go('schedules', 'remove', 'ours')]) {
      expect(stderr).toMatch(/^lovage: schedule "ours" comes from the configuration: change it there/);
      expect(code).toBe(3);
    }
    await lab.lab.sql(`DELETE FROM lovage.schedule WHERE name = 'ours'`);
  });
});

test('a key that may only look changes none of it', async () => {
  vi.stubEnv('LOVAGE_API_KEY', await lab.keyFor(['read', 'enqueue', 'cancel']));
  for (const line of [
    `webhooks create ${HOOK}`,
    `webhooks update ${UNKNOWN} --enable`,
    `webhooks rotate ${UNKNOWN}`,
    `webhooks remove ${UNKNOWN}`,
    'schedules put x --task diag.noop --cron @daily',
    'schedules remove x',
  ]) {
    const { code, stderr } = await overApi(...line.split(' '));
    expect({ line, code, stderr }).toEqual({
      line,
      code: 4,
      stderr: expect.stringContaining('lacks the scope "admin"') as string,
    });
  }
  expect(await overApi('schedules', 'show', 'x')).toMatchObject({ code: 3 });
  vi.stubEnv('LOVAGE_API_KEY', ROOT_KEY);
});

test.skipIf(!existsSync('/dev/full'))(
  'a secret that nobody could read is a failure that says how to get another, also where a reader left',
  async () => {
    const bin = new URL('../../bin/lovage.js', import.meta.url).pathname;
    const lovage = `"${process.execPath}" --conditions=lovage-source "${bin}"`;
    const bash = async (line: string) => {
      const env = { ...process.env, LOVAGE_URL: lab.api.url, NODE_COMPILE_CACHE };
      const child = spawn('bash', ['-c', `lovage() { ${lovage} "$@"; }; set -o pipefail; ${line}`], { env });
      let stderr = '';
      child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
      const [code] = (await once(child, 'close')) as [number];
      return { code, stderr };
    };
    const [full, left] = await Promise.all([
      bash(`lovage webhooks create ${HOOK} --json > /dev/full`),
      bash(`lovage keys create lost | :`),
    ]);
    const lost = (why: string, remedy: RegExp) =>
      expect.stringMatching(
        new RegExp(
          `^lovage: what is shown only once cannot be written \\(.*${why}.*\\); ${remedy.source}\n$`,
        ),
      ) as string;
    const rotate = /webhook (\S+) is there; lovage webhooks rotate \1 makes another secret and shows it/;
    expect(full).toEqual({ code: 1, stderr: lost('ENOSPC', rotate) });
    expect(left).toEqual({
      code: 1,
      stderr: lost('EPIPE', /lovage keys rotate lv_[\w-]+ puts another in its place/),
    });
  },
);
