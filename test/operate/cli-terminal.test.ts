import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { PassThrough } from 'node:stream';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { COMMANDS } from '../../src/cli/commands/index.ts';
import { describeCompletion } from '../../src/cli/completion.ts';
import { relative } from '../../src/cli/duration.ts';
import { live } from '../../src/cli/live.ts';
import { toJson } from '../../src/cli/printable.ts';
import { createProgressBar } from '../../src/cli/progress-bar.ts';
import { table } from '../../src/cli/table.ts';
import { cut, widthOf } from '../../src/cli/width.ts';
import { until } from '../lab.ts';

const ID = '0197b6f0-0000-7000-8000-000000000000';

test('a table gives way to the terminal, but never cuts an id', () => {
  const text = table([{ id: ID, note: 'x'.repeat(200), state: 'failed' }], { width: 70 });
  for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(70);
  expect(text).toContain(`${ID}  x`);
  expect(text).toContain('…');
  expect(table([{ id: ID, note: 'x'.repeat(200) }], { width: 40 })).toContain(ID);
});

test('where there is no room, columns that matter less go first, and states stay whole', () => {
  const row = {
    id: ID,
    name: 'mail.welcome',
    queue: 'mail',
    state: 'succeeded',
    created: '2 min ago',
    note: 'x'.repeat(50),
  };
  const text = table([row], { width: 80, spare: ['queue', 'created'] });
  expect(text).toMatch(/^ID +NAME +STATE +CREATED +NOTE\n.* succeeded /);
  expect(text).not.toContain('QUEUE');
  for (const width of [60, 80, 200])
    for (const line of table([row], { width }).split('\n')) expect(line.length).toBeLessThanOrEqual(width);
});

test('columns stand where they should beside wide characters', () => {
  const rows = ['mail', '日本語', 'ｆｕｌｌ', '👩‍👩‍👧', 'é', 'e\u0301'].map((name) => ({
    name,
    state: 'failed',
  }));
  const [head = '', ...lines] = table(rows).split('\n');
  for (const line of lines)
    expect(widthOf(line.slice(0, line.indexOf('failed'))), line).toBe(head.indexOf('STATE'));
  expect(cut('日本語日本語', 6)).toBe('日本…');
  expect(cut('日本語', 6)).toBe('日本語');
});

test('JSON says the same, but nothing that a terminal obeys', () => {
  const value = { note: '\u001B[2J\u009B31m\u202E\u2028\u007F', lines: ['ä', '👍'] };
  for (const text of [toJson(value), toJson(value, 2)]) {
    expect(text).not.toMatch(/[\u007F-\u009F\u2028-\u202E]/);
    expect(JSON.parse(text)).toEqual(value);
  }
});

test('progress takes one line of a terminal and no steering from a message', () => {
  const stream = Object.assign(new PassThrough(), { isTTY: true, columns: 40 });
  const bar = createProgressBar(stream as unknown as NodeJS.WriteStream);
  bar.show('running', { current: 1, total: 2, message: `\u001B[2J\n${'x'.repeat(100)}` });
  const drawn = String(stream.read());
  expect(drawn.startsWith('\r\u001B[2K')).toBe(true);
  for (const mark of ['\n', '\u001B']) expect(drawn.slice(5)).not.toContain(mark);
  expect(widthOf(drawn.slice(5))).toBeLessThan(40);
});

test('what others wrote cannot move the cursor, and there is no colour where no terminal is', () => {
  const text = table([{ note: 'a\u001B[2Jb\u0007c\nd', state: 'failed' }]);
  expect(text.split('\n')).toHaveLength(2);
  expect(text).toContain('ab c d');
  expect(text).not.toContain('\u001B');
});

test('times are told from now', () => {
  const now = Date.parse('2027-01-01T00:00:00Z');
  const at = (ms: number) => relative(new Date(now - ms).toISOString(), now);
  expect([at(0), at(5_000), at(600_000), at(3 * 3_600_000), at(-7_200_000)]).toEqual([
    'now',
    '5 s ago',
    '10 min ago',
    '3 h ago',
    'in 2 h',
  ]);
});

/** A terminal of so many columns and rows, and what was written to it. */
function open(columns: number, rows: number) {
  const [output, input] = [Object.assign(new PassThrough(), { columns, rows }), new PassThrough()];
  const setRawMode = vi.fn<(isRaw: boolean) => void>();
  let written = '';
  output.on('data', (chunk: Buffer) => (written += chunk.toString()));
  return {
    terminal: { output, input: Object.assign(input, { setRawMode }) },
    setRawMode,
    written: () => written,
  };
}

test.each(['q', '\u0003'])(
  'a live view redraws in place, within a narrow terminal, and leaves it by %j as it was',
  async (key) => {
    const { terminal, setRawMode, written } = open(20, 5);
    let drawn = 0;
    const draw = async () => {
      drawn += 1;
      return Array.from({ length: 9 }, (_, line) => `${drawn}:${line} ${'x'.repeat(50)}`).join('\n');
    };
    const over = live(draw, { everyMs: 5, terminal });
    await until(() => drawn >= 3);
    terminal.output.columns = 12;
    terminal.output.emit('resize');
    const seen = drawn;
    await until(() => drawn > seen + 1);
    terminal.input.write(key);
    await over;
    expect(written().startsWith('\u001B[?1049h\u001B[?25l\u001B[H1:0 ')).toBe(true);
    expect(written().endsWith('\u001B[?25h\u001B[?1049l')).toBe(true);
    expect(setRawMode.mock.calls).toEqual([[true], [false]]);
    for (const frame of written().split('\u001B[H').slice(1)) {
      const lines = frame.split('\u001B[J')[0]?.split('\n') ?? [];
      expect(lines).toHaveLength(4);
      for (const line of lines) expect(line.replaceAll('\u001B[K', '').length).toBeLessThanOrEqual(20);
    }
  },
);

test('a live view shows that there was no answer and goes on, but begins with none', async () => {
  const { terminal, written } = open(60, 5);
  await expect(live(() => Promise.reject(new Error('no key')), { everyMs: 5, terminal })).rejects.toThrow(
    'no key',
  );
  let drawn = 0;
  const draw = async () => {
    drawn += 1;
    if (drawn === 2) throw new Error('away \u001B[2J');
    return `picture ${drawn}`;
  };
  const over = live(draw, { everyMs: 5, terminal });
  await until(() => drawn >= 4);
  terminal.input.write('q');
  await over;
  expect(written()).toMatch(/picture 1[^]*no answer: away [^]*picture 3/);
  expect(written()).not.toContain('\u001B[2J');
});

const NAMES = { queues: ['mail', 'diag'], tasks: ['mail.welcome', 'diag.noop'], schedules: ['nightly'] };

test.skipIf(spawnSync('bash', ['--version']).error)(
  'bash completes commands, options, values and names',
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'lovage-completion-'));
    try {
      await writeFile(join(folder, 'lovage.bash'), describeCompletion(COMMANDS, 'bash', NAMES));
      const complete = (line: string): string[] => {
        const words = line.split(' ');
        const script = `source ./lovage.bash; COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}; _lovage; echo "\${COMPREPLY[@]}"`;
        const { stdout, stderr } = spawnSync('bash', ['-c', script], { cwd: folder, encoding: 'utf8' });
        expect(stderr).toBe('');
        return stdout.trim().split(' ').filter(Boolean);
      };
      expect(complete('lovage ')).toEqual(expect.arrayContaining(['tasks', 'queues', 'cancel', 'doctor']));
      expect(complete('lovage que')).toEqual(['queues']);
      expect(complete('lovage queues ')).toEqual(['list', 'pause', 'resume', 'limit']);
      expect(complete('lovage queues pa')).toEqual(['pause']);
      expect(complete('lovage queues pause ')).toEqual(expect.arrayContaining(['mail', 'diag']));
      expect(complete('lovage pause m')).toEqual(['mail']);
      expect(complete('lovage tasks run diag.')).toEqual(['diag.noop']);
      expect(complete('lovage tasks list --st')).toEqual(['--state']);
      expect(complete('lovage tasks list --state fai')).toEqual(['failed']);
      expect(complete('lovage workers --st')).toEqual(['--state']);
      expect(complete('lovage tasks list --queue ')).toEqual(['mail', 'diag']);
      expect(complete('lovage tasks list --json --na')).toEqual(['--name']);
      expect(complete('lovage completion ')).toEqual(expect.arrayContaining(['bash', 'zsh']));
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
);

test.skipIf(spawnSync('zsh', ['--version']).error)('zsh offers the same', async () => {
  const script = `${describeCompletion(COMMANDS, 'zsh', NAMES).replaceAll(/^if .*compdef.*$/gm, '')}
    compadd() { shift; print -r -- "$@"; }
    words=(lovage queues ''); CURRENT=3; _lovage; words=(lovage tasks list --state ''); CURRENT=5; _lovage`;
  const { stdout, stderr } = spawnSync('zsh', ['-f', '-c', script], { encoding: 'utf8' });
  expect(stderr).toBe('');
  expect(stdout).toMatch(/^list pause resume limit\n.*failed/);
});
