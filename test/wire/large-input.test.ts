import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { defineConfig } from '../../src/config.ts';
import { submits, type Dialect } from '../../src/dialect.ts';
import { definePack } from '../../src/pack.ts';
import { defineTask } from '../../src/task.ts';
import { type HttpLab, openHttpLab, pointers, serve, type Server } from '../api/http-lab.ts';
import once from './once.config.ts';

const input = z.looseObject({ ticker: z.string() });
const read = defineTask({ name: 'remade.read', queue: 'diag', input, output: z.null(), run: () => null });
const dialect: Dialect = {
  prefix: '/remade',
  states: {
    queued: 'WAITING',
    scheduled: 'WAITING',
    running: 'RUNNING',
    waiting: 'RUNNING',
    retrying: 'RUNNING',
    succeeded: 'DONE',
    failed: 'BAD',
    cancelled: 'BAD',
    expired: 'BAD',
  },
  error: ({ status, message }) => ({ status, body: { message } }),
  routes: [
    submits({
      method: 'post',
      kind: 'submit',
      path: '/read',
      summary: 'Read a filing',
      task: read,
      input: (body) => Object.assign(body as z.output<typeof input>, { added: true }),
      accepted: ({ task }) => ({ status: 202, body: { task_id: task.id } }),
    }),
  ],
};
const config = defineConfig({
  queues: { spare: {} },
  packs: [...once.packs, definePack({ name: 'remade', tasks: [read], dialect })],
});

let lab: HttpLab;
let server: Server;
beforeAll(async () => {
  lab = await openHttpLab(new URL('./once.config.ts', import.meta.url).pathname);
  server = await serve(lab.lab.url, undefined, config, { maxBodyBytes: 1_000_000 });
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await lab[Symbol.asyncDispose]();
});

const PADDING = `"${'<p class=\\"x\\">§ 1A</p> '.repeat(20_000)}"`;
/** A body of 500 kB; `more` stands in it as it is. */
const bodyOf = (more: string): string => `{"value": {"html": ${PADDING}, "more": ${more}}}`;
const submit = (body: string, headers: Record<string, string> = {}, name = 'diag.echo') =>
  server.call('POST', `/v1/tasks/${name}`, { body, headers });
/** As text: numbers with every digit that is stored. */
async function storedOf(id: string, path = '{value,more}'): Promise<string | null> {
  const [row] = await lab.lab.sql<{ stored: string | null }>(
    'SELECT (input #> $2)::text AS stored FROM lovage.task WHERE id = $1',
    [id, path],
  );
  return row?.stored ?? null;
}

describe('a large body that is a task’s input', () => {
  test('is stored as it came, and read as it would be from the body', async () => {
    const more = String.raw`{"id": 12345678901234567890, "part": 1.50, "face": "\ud83d\ude00 é", "twice": 1, "twice": 2, "note": "not 1e-99, nor x1e-9999"}`;
    const { status, body } = await submit(bodyOf(more));
    expect([status, body]).toMatchObject([202, { state: 'queued', attempt: 0 }]);
    expect(await storedOf(body.id, '{value,more,id}')).toBe('12345678901234567890');
    expect(await storedOf(body.id, '{value,more,part}')).toBe('1.50');
    const { input: shown } = (await server.call('GET', `/v1/tasks/${body.id}`)).body;
    expect(shown).toEqual(JSON.parse(bodyOf(more)));
  });

  test('may begin with a byte order mark', async () => {
    const { status, body } = await submit(`\uFEFF${bodyOf('12345678901234567890')}`);
    expect(status).toBe(202);
    expect(await storedOf(body.id)).toBe('12345678901234567890');
  });

  test.each([
    ['1e400', 'null'],
    ['-1.5E+999999', 'null'],
    ['1e-9999', '0'],
    ['[0,1e0000400]', '[0, null]'],
    [`1${'0'.repeat(400)}`, 'null'],
    [`0.${'0'.repeat(20_000)}1`, '0'],
  ])('is written anew where Postgres would make more of a number than Node: %.20s', async (more, stored) => {
    const { status, body } = await submit(bodyOf(more), {}, 'diag.noop');
    expect(status).toBe(202);
    expect(await storedOf(body.id)).toBe(stored);
  });

  test('is refused as any other for what cannot be stored', async () => {
    const answer = await submit(bodyOf(String.raw`["\u0000"]`));
    expect([answer.status, pointers(answer)]).toEqual([422, ['/value/more/0']]);
  });

  test('comes once under an idempotency key, and under a dedupe key', async () => {
    const key = { 'idempotency-key': 'large' };
    const first = await submit(bodyOf('1'), key);
    const again = await submit(bodyOf(' 1 '), key);
    expect([again.status, again.body]).toMatchObject([202, { id: first.body.id, replayed: true }]);
    expect((await submit(bodyOf('2'), key)).status).toBe(422);

    const filing = (more: string) => `{"of": ${PADDING}, "more": ${more}}`;
    const one = await submit(filing('12345678901234567890'), {}, 'once.byInput');
    const same = await submit(filing('12345678901234567890 '), {}, 'once.byInput');
    expect(same.body).toMatchObject({ id: one.body.id, deduplicated: true });
    expect(await storedOf(one.body.id, '{more}')).toBe('12345678901234567890');
  });

  test('is not what is stored where a dialect makes the input of it', async () => {
    const { status, body } = await server.call('POST', '/remade/read', {
      body: `{"ticker": "A", "html": ${PADDING}}`,
    });
    expect(status).toBe(202);
    expect(await storedOf(body.task_id, '{added}')).toBe('true');
  });
});
