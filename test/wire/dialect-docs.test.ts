import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { openHttpLab, ROOT_KEY } from '../api/http-lab.ts';

const file = (path: string) => new URL(`../../${path}`, import.meta.url);

test('the example of the guide is this one, and does what the guide says', async () => {
  const source = await readFile(file('test/fixtures/letters.ts'), 'utf8');
  expect(await readFile(file('docs/dialects.md'), 'utf8')).toContain(`\`\`\`ts\n${source}\`\`\``);

  await using lab = await openHttpLab(file('test/fixtures/letters.config.ts').pathname);
  const headers = { 'x-token': ROOT_KEY };
  const sent = await lab.call('POST', '/letters/write', { key: null, headers, body: { to: 'Ada' } });
  const { task_id: id } = sent.body;
  expect(sent).toMatchObject({ status: 202, body: { status_url: `/letters/tasks/${id}` } });
  const shown = await lab.call('GET', `/letters/tasks/${id}`, { key: null, headers });
  expect(shown.body).toMatchObject({ task_id: id, status: 'PENDING' });
  const { download_url: link } = shown.body as unknown as { download_url: string };
  expect((await lab.call('GET', link, { key: null })).text).toContain('seal of default');

  const socket = new WebSocket(`${lab.api.url.replace('http', 'ws')}/letters/ws/tasks/${id}`, { headers });
  const messages: unknown[] = [];
  socket.on('message', (data: Buffer) => messages.push(JSON.parse(data.toString())));
  const closed = new Promise((resolve) => socket.once('close', resolve));
  await lab.work();
  expect(await closed).toBe(1000);
  expect(messages.at(-1)).toEqual({ type: 'complete', status: 'SUCCESS', result: { text: 'Dear Ada' } });
  const waited = await lab.call('POST', '/letters/write?async=False', { body: { to: 'Bob' } });
  expect(waited).toMatchObject({ status: 200, body: { text: 'Dear Bob' } });
});
