import { describe, expect, test, vi } from 'vitest';
import { oneLine, run } from './run.ts';

const COMMANDS = [
  'dev',
  'serve',
  'worker',
  'migrate',
  'enqueue',
  'explain',
  'retry',
  'cancel',
  'queues',
  'pause',
  'resume',
  'schedules',
  'keys',
  'doctor',
  'psql',
];

vi.setConfig({ testTimeout: 60_000 });

describe.concurrent('the command line', () => {
  test('lists its commands', async () => {
    const { code, stdout } = await run(['--help']);
    expect(code).toBe(0);
    for (const command of COMMANDS) expect(stdout).toMatch(new RegExp(`^  ${command} `, 'm'));
  });

  test.each(COMMANDS)('explains %s, and does nothing else', async (command) => {
    const { code, stdout, stderr } = await run([command, '--help'], {
      DATABASE_URL: 'postgres://127.0.0.1:1/x',
    });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain(`Usage: lovage ${command}`);
  });

  test('tells its version', async () => {
    expect(await run(['--version'])).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) as string,
    });
  });

  test('lists its commands to whoever names one that is none', async () => {
    const { code, stdout, stderr } = await run(['wroker']);
    expect({ code, stderr }).toEqual({ code: 2, stderr: '\nlovage: there is no command "wroker"\n' });
    expect(stdout).toContain('Commands:');
  });

  test.each([
    [['worker', '--slots', '3'], /Unknown option '--slots'/],
    [['worker', '--concurrency', 'many'], /--concurrency must be a whole number/],
    [['worker', '--concurrency', '0'], /--concurrency must be a whole number/],
    [['worker', '--queues', ' , '], /--queues names no queue/],
    [['worker', '--max-tasks-per-child', '0'], /--max-tasks-per-child must be a whole number from 1/],
    [['worker', '--max-memory-per-child', '0'], /--max-memory-per-child must be a whole number from 1/],
    [['worker', '--max-child-age=-1'], /--max-child-age must be a whole number from 1/],
    [['dev', '--max-child-age', '1h'], /--max-child-age must be a whole number from 1/],
    [['worker', 'diag'], /unexpected argument "diag"/],
    [['dev', '--concurrency', '1.5'], /--concurrency must be a whole number/],
    [['migrate', 'now'], /unexpected argument "now"/],
    [['enqueue'], /say which task/],
    [['enqueue', 'diag.noop', '--input', '{'], /--input is not JSON/],
    [['enqueue', 'diag.noop', '--input', '@/no/such/file'], /--input: ENOENT/],
    [['enqueue', 'diag.noop', '--delay', 'soon'], /--delay must be a whole number/],
    [['keys'], /say keys create NAME/],
    [['keys', 'create', 'ci', '--scopes', 'enqueue,fly'], /--scopes: "fly" is none of/],
    [['keys', 'create', 'ci', '--expires', 'never'], /--expires: "never" is no ISO 8601 time/],
    [['doctor', '--fix'], /Unknown option '--fix'/],
  ] as const)('refuses %j in one line, before it touches the database', async (args, says) => {
    const { code, stderr } = await run(args, { DATABASE_URL: 'postgres://127.0.0.1:1/x' });
    expect(stderr).toMatch(oneLine(says));
    expect(code).toBe(2);
  });
});
