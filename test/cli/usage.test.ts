import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { COMMANDS } from '../../src/cli/commands/index.ts';
import { oneLine, run } from './run.ts';
import { say } from './said.ts';

// Whoever touches the database is found out.
beforeAll(() => vi.stubEnv('DATABASE_URL', 'postgres://127.0.0.1:1/x'));
afterAll(() => vi.unstubAllEnvs());

const FORMS = COMMANDS.flatMap(({ name, aliases = [] }) => [name, ...aliases]);

describe('the command line', () => {
  test('lists its commands and tells its version, as a process', async () => {
    const [help, version] = await Promise.all([run(['--help']), run(['--version'])]);
    expect(help).toMatchObject({ code: 0, stderr: '' });
    for (const { name } of COMMANDS) expect(help.stdout).toMatch(new RegExp(`^  ${name} `, 'm'));
    expect(version).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) as string });
  });

  test.each(FORMS)('explains %s with examples, and does nothing else', async (form) => {
    const { code, stdout, stderr } = await say(...form.split(' '), '--help');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain(`lovage ${form}`);
    expect(stdout).toContain('Examples:\n  lovage ');
  });

  test('the examples of the help are understood by what they explain', () => {
    for (const { name, aliases = [], examples = [] } of COMMANDS) {
      const known = [name, name.replace(/ list$/, ''), ...aliases];
      for (const example of examples) {
        expect(
          known.some((form) => example === form || example.startsWith(`${form} `)),
          example,
        ).toBe(true);
      }
    }
  });

  test.each([
    ['wroker', 'there is no command "wroker"; did you mean "worker"?'],
    ['tasks lsit', 'there is no "tasks lsit"; did you mean "list"?; there are: list, show, watch'],
    ['queues limit mail --concurency 3', "Unknown option '--concurency'; did you mean --concurrency?"],
    ['tasks list --stat failed', 'did you mean --state?'],
  ])('says of %j what may have been meant', async (line, says) => {
    const { code, stderr } = await say(...line.split(' '));
    expect(stderr).toContain(says);
    expect(stderr.split('\n')).toHaveLength(1);
    expect(code).toBe(2);
  });

  test.each([
    [['help', 'tasks', 'list'], 0, /^Lists tasks, the newest first\n/],
    [['help', 'queues'], 0, /^Usage: lovage queues COMMAND\n/],
    [['help', 'nonsense'], 2, /^lovage: there is no command "nonsense"/],
    [['--json', 'tasks', 'list'], 2, /^lovage: say the command first, then --json: /],
    [['cancel', '--queue', 'mail', '--queue', 'spare'], 2, /^lovage: --queue is given twice$/],
    [
      ['retry', '--since', '2h', '--created-after', '3h'],
      2,
      /^lovage: --since and --created-after are the same/,
    ],
  ] as const)('takes %j as it is meant', async (args, code, says) => {
    const said = await say(...args);
    expect(`${said.stdout}${said.stderr}`).toMatch(says);
    expect(said.code).toBe(code);
  });

  test('says a hostile word back without what a terminal would obey', async () => {
    const { stderr } = await say('tasks', '\u001B]0;title\u0007\u001B[2Jlsit\u009B31m\u202E');
    expect(stderr).toMatch(/^lovage: there is no "tasks lsit *"/);
  });

  test('a group without a verb lists, and with --help tells its verbs', async () => {
    expect((await say('queues', '--help')).stdout).toMatch(/queues list .*\n .*queues pause /);
    expect((await say('queues')).stderr).toContain('Postgres cannot be reached');
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
    [['keys', 'create'], /say which name: lovage keys create NAME/],
    [['queues', 'limit', 'diag'], /say --concurrency, --per-key or --rate/],
    [['queues', 'limit', 'diag', '--rate', 'fast'], /--rate: "fast" is no rate/],
    [['tasks', 'list', '--since', 'yesterday'], /--since: "yesterday" is neither/],
    [['workers', 'drain'], /say which worker/],
    [['completion', 'fish'], /there is completion for bash and zsh/],
    [['keys', 'create', 'ci', '--scopes', 'enqueue,fly'], /--scopes: "fly" is none of/],
    [['keys', 'create', 'ci', '--expires', 'never'], /--expires: "never" is no ISO 8601 time/],
    [['doctor', '--fix'], /Unknown option '--fix'/],
  ] as const)('refuses %j in one line, before it touches the database', async (args, says) => {
    const { code, stderr } = await say(...args);
    expect(`${stderr}\n`).toMatch(oneLine(says));
    expect(code).toBe(2);
  });
});
