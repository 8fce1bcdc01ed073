import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { noop, progress, sleep } from '../../packs/diag/tasks.ts';
import { type HttpLab, openHttpLab, ROOT_KEY } from '../api/http-lab.ts';
import { run } from '../cli/run.ts';
import { say, type Said } from '../cli/said.ts';
import { configFile, until } from '../lab.ts';
import { openWire } from '../worker/processes.ts';

/** The same command lines, once over the API and once past it, on one live system. */
const LAB_CONFIG = configFile;
let lab: HttpLab;
beforeAll(async () => {
  lab = await openHttpLab(LAB_CONFIG);
  vi.stubEnv('DATABASE_URL', lab.lab.url);
  vi.stubEnv('LOVAGE_CONFIG', LAB_CONFIG);
  vi.stubEnv('LOVAGE_API_KEY', ROOT_KEY);
  vi.stubEnv('LOVAGE_SECRET', 'the-secret-of-the-http-lab-0123456789');
  await lab.work();
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await lab[Symbol.asyncDispose]();
});

const UNKNOWN = '0197b6f0-0000-7000-8000-000000000000';
const overApi = (...args: string[]) => say(...args, '--url', lab.api.url);
/** Times pass between the two, and each has its own name. */
const alike = ({ code, stdout, stderr }: Said) => ({
  code,
  stdout: stdout
    .replaceAll(/cli:[\w-]+|key:root/g, 'WHO')
    .replaceAll(/\b(?:in )?\d+ (?:ms|s|min|h|d)(?: ago)?\b|\bnow\b/g, 'THEN')
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'AT')
    .replaceAll(/"(?:seconds|succeeded|cancelled|running)": [\d.]+/g, '"counted"')
    .replaceAll(/ {2,}/g, '  ')
    .replaceAll(/-{2,}|\d+ UTC/g, ''),
  stderr,
});

describe('over the API and past it', () => {
  let ids: { done: string; waiting: string };
  beforeAll(async () => {
    const done = await lab.lab.enqueue(progress, { steps: 3, everyMs: 1 }, { tags: ['alike'] });
    const waiting = await lab.lab.enqueue(noop, {}, { delayMs: 3_600_000, tags: ['alike'] });
    await lab.lab.final(done.id);
    await lab.call('PUT', '/v1/schedules/nightly', {
      body: { task: 'diag.noop', input: {}, cron: '0 3 * * *' },
    });
    ids = { done: done.id, waiting: waiting.id };
  });

  test.each<[line: string, code?: number]>([
    ['tasks list --tag alike'],
    ['tasks list --tag alike --state scheduled --json'],
    ['tasks list --tag alike --limit 1'],
    ['tasks show DONE'],
    ['tasks show DONE --events --json'],
    ['tasks logs DONE --all'],
    ['tasks logs DONE --all --json -f'],
    ['tasks watch DONE'],
    ['explain WAITING'],
    ['queues --json'],
    ['queues limit spare --concurrency 3 --rate 100/60s'],
    ['queues limit spare --rate none --json'],
    ['queues limit spare --as-configured'],
    ['pause spare --reason why'],
    ['queues'],
    ['resume spare'],
    ['workers'],
    ['workers --all --json'],
    ['schedules'],
    ['schedules preview nightly -n 2'],
    ['schedules pause nightly --json'],
    ['schedules resume nightly --json'],
    ['batches'],
    ['webhooks --json'],
    ['webhooks deliveries'],
    ['keys'],
    ['audit --action queues.pause --limit 1'],
    ['retry --tag nobody --state failed'],
    ['cancel --tag nobody --json'],
    ['cancel DONE'],
    ['retry WAITING', 3],
    ['tasks show nonsense', 3],
    ['tasks watch UNKNOWN', 3],
    ['workers drain UNKNOWN', 3],
    ['batches show UNKNOWN', 3],
    ['webhooks test UNKNOWN', 3],
    ['schedules run nope', 3],
    ['queues limit nope --concurrency 1', 3],
    ['keys revoke nobody', 3],
    ['tasks list --cursor nonsense', 2],
    ['run diag.sleep --input {"ms":"x"}', 2],
    ['stats --json'],
  ])('%s does and says the same', async (line, code = 0) => {
    const args = line
      .replaceAll('DONE', ids.done)
      .replaceAll('WAITING', ids.waiting)
      .replaceAll('UNKNOWN', UNKNOWN)
      .split(' ');
    // The first of two pauses is another thing than the second.
    if (/pause|resume/.test(line)) await say(...args);
    const past = await say(...args);
    const over = await overApi(...args);
    expect(alike(over)).toEqual(alike(past));
    expect(past.code, past.stderr).toBe(code);
    if (args.includes('--json') && !args.includes('-f'))
      expect(() => JSON.parse(past.stdout) as unknown).not.toThrow();
    if (code > 1) expect(past.stderr).not.toMatch(/\n {4}at |Error:/);
  });

  test('a task is run, followed and shown', async () => {
    for (const go of [say, overApi]) {
      const ran = await go('run', 'diag.progress', '--input', '{"steps": 3, "everyMs": 300}', '--wait');
      expect(ran).toMatchObject({
        code: 0,
        stderr: expect.stringMatching(/running .*\n[^]*succeeded .*100 %/) as string,
      });
      const { id } = JSON.parse(ran.stdout) as { id: string };
      expect((await go('tasks', 'show', id)).stdout).toMatch(/state +succeeded[^]*result +\{"steps":3\}/);
    }
  });

  test('lists are pages and go on by their cursor', async () => {
    for (const go of [say, overApi]) {
      const first = JSON.parse(
        (await go('tasks', 'list', '--tag', 'alike', '--limit', '1', '--json')).stdout,
      ) as Page;
      const rest = JSON.parse(
        (await go('tasks', 'list', '--tag', 'alike', '--json', '--cursor', first.nextCursor ?? '')).stdout,
      ) as Page;
      expect([...first.items, ...rest.items].map(({ id }) => id)).toEqual([ids.waiting, ids.done]);
      expect(rest.nextCursor).toBeNull();
    }
  });

  test('what was done is in the audit log in the name of who did it', async () => {
    await say('tasks', 'cancel', ids.waiting, '--reason', 'over');
    await overApi('tasks', 'retry', ids.waiting);
    const { items } = JSON.parse((await say('audit', '--target', ids.waiting, '--json')).stdout) as {
      items: { actor: string; action: string }[];
    };
    expect(items.slice(0, 2)).toMatchObject([
      { action: 'tasks.retry', actor: 'key:root' },
      { action: 'tasks.cancel', actor: expect.stringMatching(/^cli:/) as string },
    ]);
  });
});

interface Page {
  items: { id: string }[];
  nextCursor: string | null;
}

test('logs are followed as they are written', async () => {
  const { id } = await lab.lab.enqueue(sleep, { ms: 300 });
  const { code, stdout, stderr } = await say('tasks', 'logs', id, '-f', '--all');
  expect(code).toBe(0);
  expect(stdout).toMatch(/ queued\n[^]* started [^]* succeeded$/);
  expect(stderr).toBe(`Task ${id} is succeeded`);
});

test('limits set by hand outlast a start, until they are as configured', async () => {
  await say('queues', 'limit', 'spare', '--concurrency', '4');
  await say('migrate');
  const limited = async () =>
    (await lab.call('GET', '/v1/queues/spare')).body as unknown as Record<string, unknown>;
  expect(await limited()).toMatchObject({
    limits: { concurrency: 4 },
    limitsSetBy: expect.stringMatching(/^cli:/) as string,
  });
  await say('queues', 'limit', 'spare', '--as-configured');
  expect(await limited()).toMatchObject({ limits: { concurrency: null }, limitsSetBy: null });
});

describe('the key', () => {
  test('is asked for, and one that is wrong or weak is refused with a remedy and code 4', async () => {
    const key = await lab.keyFor(['enqueue']);
    vi.stubEnv('LOVAGE_API_KEY', 'x'.repeat(30));
    expect(await overApi('queues')).toMatchObject({
      code: 4,
      stderr: expect.stringMatching(/^lovage: .*; set LOVAGE_API_KEY to a key that is live/) as string,
    });
    vi.stubEnv('LOVAGE_API_KEY', key);
    const weak = await overApi('queues');
    expect(weak).toMatchObject({
      code: 4,
      stderr: expect.stringContaining('lacks the scope "read"') as string,
    });
    expect(weak.stderr).not.toContain(key);
    vi.stubEnv('LOVAGE_API_KEY', '');
    expect((await overApi('queues')).stderr).toContain('LOVAGE_API_KEY is not set');
    vi.stubEnv('LOVAGE_API_KEY', ROOT_KEY);
  });

  test('and an API that is not there is one line with a remedy', async () => {
    const { code, stderr } = await say('queues', '--url', 'http://ada:hunter2@127.0.0.1:1');
    expect({ code, stderr }).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(
        /^lovage: the API at http:\/\/127\.0\.0\.1:1 cannot be reached \(.*\); is "lovage serve" running there\?$/,
      ) as string,
    });
  });
});

test('who may send and not look learns what was sent', async () => {
  vi.stubEnv('LOVAGE_API_KEY', await lab.keyFor(['enqueue']));
  const { code, stderr } = await overApi('run', 'diag.noop', '--wait');
  vi.stubEnv('LOVAGE_API_KEY', ROOT_KEY);
  expect(stderr).toMatch(/^Task [0-9a-f-]{36} is sent\nlovage: .*lacks the scope "read"/);
  expect(code).toBe(4);
});

test('a task that is over is followed to where it is, not through all that it was', async () => {
  const { id } = await lab.lab.enqueue(noop, {});
  await lab.lab.final(id);
  for (const go of [say, overApi]) expect((await go('tasks', 'watch', id)).stderr).toBe('succeeded');
});

test('a reader that leaves early ends it quietly, and LOVAGE_URL leads a process to the API', async () => {
  const bin = new URL('../../bin/lovage.js', import.meta.url).pathname;
  const line = `"${process.execPath}" --conditions=lovage-source "${bin}" tasks list --limit 200 --json | head -c 1; echo "\${PIPESTATUS[0]}"`;
  const child = spawn('bash', ['-c', line], { env: { ...process.env, LOVAGE_URL: lab.api.url } });
  const piped = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => (piped.stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (piped.stderr += chunk.toString()));
  await once(child, 'close');
  expect(piped).toMatchObject({ stdout: '{0\n', stderr: '' });
  const fed = await run(
    ['tasks', 'run', 'diag.echo', '--input', '-', '--wait'],
    { LOVAGE_URL: lab.api.url },
    '{"value": 7}',
  );
  expect(JSON.parse(fed.stdout)).toMatchObject({
    state: 'succeeded',
    result: { value: 7 },
    createdBy: 'key:root',
  });
});

test('nothing is left of a benchmark', async () => {
  const before = await lab.lab.sql('SELECT queue FROM lovage.queue_control ORDER BY 1');
  await using wire = await openWire(lab.lab.url);
  vi.stubEnv('DATABASE_URL', wire.url);
  vi.stubEnv('LOVAGE_PREPARE', '0');
  const { code, stdout, stderr } = await say('bench', '--tasks', '50', '--json');
  vi.stubEnv('DATABASE_URL', lab.lab.url);
  vi.stubEnv('LOVAGE_PREPARE', '');
  // Nor is a statement left prepared, where none may be: their names have no dot.
  expect(wire.sent('lovage.add_tasks')).toBeGreaterThan(0);
  expect(wire.sent('lovage_add_tasks')).toBe(0);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(JSON.parse(stdout)).toMatchObject({
    tasks: 50,
    enqueuedPerSecond: expect.any(Number) as number,
    drainedPerSecond: expect.any(Number) as number,
    start: { p50: expect.any(Number) as number },
  });
  expect(await lab.lab.sql('SELECT queue FROM lovage.queue_control ORDER BY 1')).toEqual(before);
  expect(await lab.lab.sql(`SELECT FROM lovage.task WHERE queue LIKE 'lovage_bench%'`)).toEqual([]);
  expect(
    await until(
      () => lab.lab.violations(),
      (rows) => rows.length === 0,
    ),
  ).toEqual([]);
});
