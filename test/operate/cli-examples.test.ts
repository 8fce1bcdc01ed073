import { execFile, spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type HttpLab, openHttpLab, ROOT_KEY, SECRET } from '../api/http-lab.ts';
import { say } from '../cli/said.ts';
import { send } from '../worker/processes.ts';
import { COMMANDS } from '../../src/cli/commands/index.ts';

const CONFIG = new URL('./fixtures/examples.config.ts', import.meta.url).pathname;
const ROOT = new URL('../..', import.meta.url).pathname;
/** The id in the examples of the help. */
const TASK = '0197b6f0-0000-7000-8000-000000000000';
/** They go on until they are stopped, take minutes or a program of their own; each has tests elsewhere. */
const LASTING = /^(dev|serve|worker|psql|bench|health)\b/;
/** What they name is made up: the answer is that it is not there. */
const MADE_UP =
  /^(webhooks (show|update|rotate|remove|test|replay|deliveries 0)|workers drain (0|ID)|batches (show|cancel)|keys (rotate|revoke)|schedules \w+ nightly)/;

let lab: HttpLab;
let folder: string;
beforeAll(async () => {
  lab = await openHttpLab(CONFIG);
  folder = await mkdtemp(join(tmpdir(), 'lovage-examples-'));
  await writeFile(join(folder, 'input.json'), '{"to": "ada@example.com"}');
  vi.stubEnv('DATABASE_URL', lab.lab.url);
  vi.stubEnv('LOVAGE_CONFIG', CONFIG);
  vi.stubEnv('LOVAGE_API_KEY', ROOT_KEY);
  vi.stubEnv('LOVAGE_SECRET', SECRET);
  await lab.work();
  await send(lab.lab, 'mail.welcome', [{ id: TASK, input: { to: 'ada@example.com' } }]);
  await lab.lab.final(TASK);
  await lab.lab.sql('CREATE ROLE metabase').catch(() => undefined);
  await lab.lab.sql('CREATE ROLE oncall').catch(() => undefined);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await lab.lab.sql('DROP OWNED BY metabase, oncall; DROP ROLE metabase, oncall');
  await rm(folder, { recursive: true, force: true });
  await lab[Symbol.asyncDispose]();
});

/** A line as a person types it in bash: real quoting and real pipes around the command that is called in this process. */
async function type(line: string, ...way: string[]) {
  const [argv, said] = [join(folder, 'argv'), join(folder, 'said')];
  const env = { ...process.env, ARGV: argv, SAID: said, HOME: folder };
  const shell = (body: string) =>
    promisify(execFile)('bash', ['-c', `set -o pipefail; cd '${folder}'; lovage() { ${body}; }; ${line}`], {
      env,
    });
  await shell(`printf '%s\\0' "$@" > "$ARGV"`).catch(() => undefined);
  const words = (await readFile(argv, 'utf8')).split('\0').slice(0, -1);
  const args = words.map((word) => (word.startsWith('@packs/') ? `@${ROOT}${word.slice(1)}` : word));
  const { code, stdout, stderr } = await say(...args, ...way);
  await writeFile(said, `${stdout}\n`);
  if (code === 0) await shell('cat "$SAID"');
  return { code, stderr };
}

const EXAMPLES = COMMANDS.flatMap(({ examples = [], options = {} }) =>
  examples.map((line) => ({ line, goesEitherWay: 'url' in options })),
)
  .filter(({ line }) => !LASTING.test(line))
  .map((each, index) => ({ ...each, index }));

describe.skipIf(spawnSync('jq', ['--version']).error)('as it is typed', () => {
  test.each(EXAMPLES)(
    '$line',
    async ({ line, index, goesEitherWay }) => {
      // Standard input is a process's own.
      if (line.endsWith('< input.json')) return;
      // Both ways do the same, as cli.test.ts shows: here they take turns.
      const way = goesEitherWay && index % 2 === 0 ? ['--url', lab.api.url] : [];
      const { code, stderr } = await type(`lovage ${line.replaceAll(/\bID\b/g, TASK)}`, ...way);
      expect(code, stderr).toBe(MADE_UP.test(line) ? 3 : 0);
    },
    40_000,
  );

  test('every line of the docs', async () => {
    const text = await readFile(join(ROOT, 'docs/cli.md'), 'utf8');
    const blocks = [...text.matchAll(/```sh\n([^]*?)```/g)].map(([, block = '']) => block);
    const lines = blocks
      .join('')
      .split('\n')
      .map((line) => line.replace(/\s+#.*$/, ''))
      .flatMap((line) => line.split(/; (?=lovage)/))
      .filter((line) => line !== '' && !line.startsWith('export '));
    expect(lines.length).toBeGreaterThan(25);
    for (const line of lines.filter((each) => each.startsWith('lovage '))) {
      const made =
        MADE_UP.test(line.replace('lovage ', '')) ||
        line.includes('DELIVERY') ||
        line.includes('webhooks test');
      const { code, stderr } = await type(line.includes('workers') ? line : line.replaceAll(/\bID\b/g, TASK));
      expect({ line, code, stderr }).toEqual({
        line,
        code: made ? 3 : 0,
        stderr: expect.anything() as string,
      });
    }
  }, 60_000);
});
