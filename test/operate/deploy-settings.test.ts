import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { z } from 'zod';
import demo from '../../lovage.config.ts';
import { findFaults } from '../../src/cli/check-environment.ts';
import { variablePrefix } from '../../src/mounts.ts';
import { readSettings, VARIABLES } from '../../src/settings/settings.ts';
import { run } from '../cli/run.ts';

const root = new URL('../../', import.meta.url);
const textOf = (name: string) => readFileSync(new URL(name, root), 'utf8');
const NONSENSE = 'no sense: hunter2';
const nonsense = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, NONSENSE]));

/** Any text is a folder, a file or a host: these fail when they are used. */
const FREE = ['LOVAGE_DATA_DIR', 'LOVAGE_CONFIG', 'HOST'];
const CHECKED = VARIABLES.filter((name) => !FREE.includes(name));
const packVariables = demo.packs.flatMap(({ environment }) =>
  Object.keys((environment as z.ZodObject | undefined)?.shape ?? {}),
);
const mountVariables = demo.packs
  .filter(({ dialect }) => dialect)
  .flatMap(({ name }) => ['PORT', 'HOST', 'OPEN'].map((what) => `${variablePrefix(name)}_${what}`));

const linesOf = (stderr: string) =>
  stderr
    .trim()
    .replace(/^lovage: /, '')
    .split('\n');
const named = (line: string) => line.slice(0, line.indexOf(':'));

test.each(CHECKED)('%s: what makes no sense is refused, in a line that does not hold it', (name) => {
  const read = () => readSettings({ [name]: NONSENSE });
  expect(read).toThrow(new RegExp(`^${name}: [^\\n]+$`));
  expect(read).not.toThrow(/hunter2/);
});

test.each(['serve', 'worker'])(
  '%s tells every fault of the environment at once, and starts nothing',
  async (command) => {
    const names = [
      ...CHECKED,
      ...packVariables.filter((name) => !VARIABLES.includes(name)),
      ...mountVariables,
    ];
    const env = { ...nonsense(names), LOVAGE_CONFIG: new URL('lovage.config.ts', root).pathname };
    const faulty = (await findFaults(demo, nonsense(packVariables))).map(named);
    expect(faulty.length).toBeGreaterThan(10);

    const { code, stdout, stderr } = await run([command], env);
    const lines = linesOf(stderr);
    expect(code).toBe(1);
    expect(stdout).toBe('');
    expect(lines.map(named).toSorted()).toEqual([...CHECKED, ...faulty, ...mountVariables].toSorted());
    for (const line of lines) expect(line).toMatch(/^[A-Z0-9_]+: .{4,}$/);
    expect(stderr).not.toContain('hunter2');
  },
);

test('a configuration that is not there, or is none, is told of beside the variables', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'lovage-settings-'));
  const { code, stderr } = await run(['serve'], { LOVAGE_CONFIG: join(folder, 'none.ts'), PORT: 'eighty' });
  expect(code).toBe(1);
  expect(linesOf(stderr).map((line) => line.slice(0, 16))).toEqual(['PORT: must be a ', 'no configuration']);
});

test.each(['PORT', 'LOVAGE_DRAIN_MS', 'CELERY_TASK_TIME_LIMIT'])(
  '%s takes digits alone: no blank is 0, and no 1e3 a thousand',
  (name) => {
    for (const value of [' ', '1e3', '0x50', '+80', '8.0', '80 ', '-1', '9'.repeat(400)])
      expect(() => readSettings({ [name]: value }), value).toThrow(
        new RegExp(`^${name}: must be a whole number from \\d+ to \\d+$`),
      );
  },
);

test.each([
  ['hunter2', 'must begin with postgres://'],
  ['postgres://lovage:hunter2%zz@db/lovage', 'is no URL such as'],
  ['postgres://lovage:hunter2@one:5432,two:5432/lovage', 'is no URL such as'],
  [
    'postgres://lovage:hunter2@db/lovage?sslmode=verify-full&sslrootcert=/no/hunter2.pem',
    'names an sslrootcert',
  ],
])('a URL of Postgres that cannot be used is told of in a line without any part of it', (url, fault) => {
  for (const name of ['DATABASE_URL', 'LOVAGE_DIRECT_URL']) {
    const read = () => readSettings({ [name]: url });
    expect(read).toThrow(new RegExp(`^${name}: ${fault}[^\\n]*$`));
    expect(read).not.toThrow(/hunter2/);
  }
});

test.each(FREE)('%s may be any text but a blank one', (name) => {
  expect(() => readSettings({ [name]: ' ' })).toThrow(`${name}: must not be blank`);
});

test.each([
  ['is broken', 'export default {', ['Unexpected token .*:1\\)']],
  ['imports what is not there', "import './gone.ts';", ["Cannot find module '.*/gone.ts' .*"]],
  ['throws nothing', 'throw null;', ['it threw null']],
  ['exports something else', 'export default { tasks: 1 };', undefined],
  [
    'tells what it has read',
    'throw new Error(`no such\n ${process.env.SHOP_TOKEN} at postgres://shop:hunter2@db`);',
    ['no such \\[SHOP_TOKEN\\] at postgres://shop:\\[redacted\\]@db \\(.*:1\\)'],
  ],
  [
    'checks variables of its own',
    "throw Object.assign(new Error('[...]'), { issues: [{ path: ['A'], message: 'is short' }, { path: ['B'], message: 'is long' }] });",
    ['A: is short', 'B: is long'],
  ],
])(
  'a configuration that %s is told of in a line per fault, with its place and no secret, beside the variables',
  async (_what, code, faults) => {
    const file = join(mkdtempSync(join(tmpdir(), 'lovage-settings-')), 'lovage.config.ts');
    writeFileSync(file, code);
    const env = { LOVAGE_CONFIG: file, PORT: 'eighty', SHOP_TOKEN: 'hunter2-hunter2' };
    const { code: exitCode, stderr } = await run(['serve'], env);
    expect(exitCode).toBe(1);
    const expected = faults?.map((fault) => `${file} cannot be loaded: ${fault}`) ?? [
      `${file} must export what defineConfig\\(\\) returns as its default export`,
    ];
    expect(stderr).toMatch(new RegExp(`^lovage: PORT: .*\n${expected.join('\n')}\n$`));
    expect(stderr).not.toContain('hunter2');
  },
);

/** What stands in code: a name, or one with its value. */
const documented = (text: string) =>
  new Set([...text.matchAll(/`([A-Z][A-Z0-9_<>]*)[=`]/g)].map(([, name = '']) => name));
const example = new Set(
  [...textOf('.env.example').matchAll(/^#?([A-Z][A-Z0-9_]*)=/gm)].map(([, name]) => name ?? ''),
);
const PAGES = [
  'README.md',
  ...readdirSync(new URL('docs', root))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];
const pages = documented(PAGES.map(textOf).join('\n'));
/** Read by Docker Compose, and by Lovage only to say that it ignores them. */
const OTHERS = ['POSTGRES_PASSWORD'];

test('.env.example and the documentation have every variable that is read', () => {
  for (const name of [...VARIABLES, ...packVariables]) {
    expect([...example], '.env.example').toContain(name);
    expect([...pages], 'README.md or a page of docs/').toContain(name);
  }
});

test('.env.example and README’s table have no variable that is not read', () => {
  const read = new Set([...VARIABLES, ...packVariables, ...mountVariables, ...OTHERS]);
  for (const name of example) expect([...read], '.env.example').toContain(name);
  const table = textOf('README.md').split('## Configuration')[1]?.split('\n## ')[0] ?? '';
  const rows = [...table.matchAll(/^\| (`.*?) \|/gm)].flatMap(([, names = '']) => [...documented(names)]);
  expect(rows.length).toBeGreaterThan(15);
  for (const name of rows.filter((each) => !each.includes('<') && each !== 'LOVAGE_'))
    expect([...read], 'README.md').toContain(name);
});

test('no other place reads the environment', () => {
  const files = ['src', 'packs'].flatMap((folder) =>
    readdirSync(new URL(folder, root), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => `${folder}/${name}`),
  );
  const known = new Set([...VARIABLES, ...packVariables]);
  const whole = files.flatMap((file) =>
    textOf(file)
      .split('\n')
      .flatMap((line) => [...line.matchAll(/process\.env\b(?:\['(\w+)'\]|\.(\w+))?/g)])
      .filter(([, quoted, plain]) => !known.has(quoted ?? plain ?? ''))
      .map(() => file),
  );
  expect([...new Set(whole)].toSorted()).toEqual([
    // A variable that a dialect names, which its pack's schema holds as well.
    'packs/cards/environment.ts',
    'packs/filings/environment.ts',
    'packs/retros/environment.ts',
    'packs/visuals/environment.ts',
    'src/api/dialects/identify-visitor.ts',
    'src/api/dialects/sync.ts',
    'src/cli/check-environment.ts',
    'src/cli/commands/psql.ts',
    'src/cli/session.ts',
    'src/embedded-postgres/launch.ts',
    'src/embedded-postgres/server-process.ts',
    // Its values are hidden.
    'src/load-config.ts',
    'src/mounts.ts',
    'src/settings/settings.ts',
    'src/task-defaults.ts',
  ]);
});
