import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { run } from '../cli/run.ts';
import { listGrants } from '../../src/grants/list.ts';
import { openLab, until, type Lab } from '../lab.ts';
import { startWorkerProcess } from '../worker/processes.ts';
import { openRole, valueInPsql } from './sql-lab.ts';

const PAGE = new URL('../../docs/runbook.md', import.meta.url).pathname;
const SHOP = new URL('../fixtures/runbook.config.ts', import.meta.url).pathname;
const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}/g;
const PICTURE = '/tmp/broken.png';

let lab: Lab;
let page: string;
let folder: string;
let operator: Awaited<ReturnType<typeof openRole>>;
let api: Record<string, string>;
beforeAll(async () => {
  lab = await openLab();
  page = await readFile(PAGE, 'utf8');
  folder = await mkdtemp(join(tmpdir(), 'lovage-runbook-'));
  operator = await openRole(lab, { name: 'oncall' });
  await lab.sql(listGrants('operate', operator.role).join(' '));
  await startWorkerProcess(lab, [], { LOVAGE_CONFIG: SHOP });
  api = await startApi();
}, 60_000);
afterAll(async () => {
  await operator[Symbol.asyncDispose]();
  await lab[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

/** What the command line is told of an API: no way to the database. */
async function startApi(): Promise<Record<string, string>> {
  const LOVAGE_API_KEY = 'runbook-key-0123456789abcdef';
  const { output } = await lab.spawn(['serve'], { LOVAGE_CONFIG: SHOP, LOVAGE_API_KEY, PORT: '0' });
  const url = await until(() => /http:\/\/127\.0\.0\.1:\d+/.exec(output())?.[0], Boolean, 40_000);
  return { LOVAGE_API_KEY, LOVAGE_URL: String(url), DATABASE_URL: '' };
}

interface Step {
  command: string;
  /** What the page says came, line by line. */
  answer: string[];
}

/** The steps of a story, as the page tells them. */
function stepsOf(story: string, way: string): Step[] {
  const chapter = page.split(`## ${story}\n`)[1]?.split('\n## ')[0] ?? '';
  const block = chapter.split(`### ${way}\n`)[1]?.split('```')[1] ?? '';
  const steps = block.split(/^(?=shop=> |\$ )/m).slice(1);
  return steps.map((step) => {
    const [command = '', ...answer] = step.trimEnd().split('\n');
    return { command, answer };
  });
}

const enqueue = (call: string) => valueInPsql(lab.url, `SELECT lovage.enqueue(${call})`);
const shows = (state: string, id: string) =>
  until(
    () => valueInPsql(lab.url, 'SELECT state FROM lovage.v_tasks WHERE id = $1', [id]),
    (seen) => seen === state,
    30_000,
  );

/** What goes wrong in each story, how it is found over the API, and how its task stands when it is mended. */
const STORIES = {
  'A task is stuck': {
    overApi: 'lovage queues list',
    mended: 'succeeded',
    prepare: async () => {
      await valueInPsql(lab.url, `SELECT lovage.pause('mail', 'the provider is down')`);
      return enqueue(`'shop.receipt'`);
    },
  },
  'A task is poisoned': {
    overApi: 'lovage tasks list --state failed',
    mended: 'succeeded',
    prepare: async () => {
      const file = join(folder, 'broken.png');
      await writeFile(file, 'no picture');
      const id = await enqueue(`'shop.thumbnail', '${JSON.stringify({ file })}'`);
      await shows('failed', id);
      return id;
    },
  },
  'A task is a runaway': {
    overApi: 'lovage tasks list --state running',
    mended: 'cancelled',
    prepare: async () => {
      const id = await enqueue(`'shop.crawl'`);
      await until(
        () =>
          valueInPsql(lab.url, `SELECT id FROM lovage.v_stuck WHERE problem = 'runaway' AND id = $1`, [id]),
        Boolean,
      );
      return id;
    },
  },
} as const;

/** Types a step of the page, about this task. */
async function type(command: string, id: string, env: Record<string, string>): Promise<string> {
  const [, prompt = '', text = ''] = /^(shop=>|\$) (.*)$/.exec(command) ?? [];
  const typed = text.replaceAll(UUID, id).replaceAll(PICTURE, join(folder, 'broken.png'));
  if (prompt === '$' && !typed.startsWith('lovage ')) {
    return (await promisify(execFile)('sh', ['-c', typed])).stdout;
  }
  if (prompt === '$') {
    const { stdout, stderr } = await run(typed.slice('lovage '.length).split(' '), env);
    return stdout + stderr;
  }
  const { stdout } = await promisify(execFile)('psql', ['-X', '-d', operator.url, '-c', typed]);
  return stdout;
}

/** What does not change from one time to the next: names, columns and words, but no ids, times, counts or widths. */
const gist = (lines: readonly string[]): Set<string> =>
  new Set(
    lines
      .filter((line) => !/^[-+]+$/.test(line) && !line.startsWith('✓'))
      .flatMap((line) => line.replaceAll(UUID, '').split(/[^A-Za-z_]+/))
      .filter((word) => word.length > 2 && word !== 'tmp' && word !== 'broken' && word !== 'png'),
  );

describe.each(Object.entries(STORIES))('%s', (story, { prepare, mended, overApi }) => {
  test.each([
    ['With psql', 'as an operator'],
    ['With the command line', 'and the database'],
    ['With the command line', 'and an API key'],
  ])('%s %s alone it is found and mended, as the page says', async (way, by) => {
    const isOverApi = by === 'and an API key';
    const env = isOverApi ? api : { DATABASE_URL: lab.url, LOVAGE_CONFIG: SHOP };
    const steps = stepsOf(story, way);
    expect(steps.length).toBeGreaterThan(2);
    const id = await prepare();
    for (const [index, { command, answer: told }] of steps.entries()) {
      if (isOverApi && command === '$ lovage doctor') {
        expect(page).toContain(`\`${overApi}\``);
        expect(await type(`$ ${overApi}`, id, env)).toMatch(
          story === 'A task is stuck' ? /^mail .*provider/m : id,
        );
        continue;
      }
      if (index === steps.length - 1) await shows(mended, id);
      const answer = await type(command, id, env);
      expect([...gist(answer.split('\n'))], command).toEqual(
        expect.arrayContaining([...gist(told)].filter((word) => !/^(lovage|root|shop)$/.test(word))),
      );
    }
    expect(
      await valueInPsql(lab.url, `SELECT count(*)::int FROM lovage.v_stuck WHERE id = $1 OR queue = 'mail'`, [
        id,
      ]),
    ).toBe(0);
    expect(await lab.violations()).toEqual([]);
  });
});
