import { expect, test } from 'vitest';
import { until } from '../lab.ts';
import { openPackLab } from './pack-lab.ts';

test('a pack answers under its prefix and at a port of its own, its tasks run in a worker beside, and all of it outlives both', async () => {
  await using lab = await openPackLab();
  const { prefix, own } = lab.url('filings');
  expect(new URL(own).pathname).toBe('/');
  expect(new URL(prefix).pathname).toBe('/filings');
  for (const base of [prefix, own]) {
    const { body } = await lab.call(base, '/health', { key: null });
    expect(body).toMatchObject({ status: 'healthy' });
  }
  const sent = { ticker: 'ACME', filing_year: 2021, html_content: '<html><body></body></html>' };
  const accepted = await lab.call<{ task_id: string; status_url: string }>(own, '/analyze', { body: sent });
  expect(accepted).toMatchObject({ status: 202, body: { status_url: `/tasks/${accepted.body.task_id}` } });
  const { status_url: url } = accepted.body;
  await until(
    () => lab.call<{ status: string }>(own, url),
    ({ body }) => body.status === 'FAILURE',
  );
  expect((await lab.call(prefix, url)).body).toEqual((await lab.call(own, url)).body);

  await lab.call(own, '/health?link=what-nobody-else-may-know');
  await until(() => lab.server.output().includes('"/health"'));
  expect(lab.server.output()).not.toContain('what-nobody');

  const { id } = lab.worker;
  expect((await lab.restartWorker()).id).not.toBe(id);
  await lab.stopPostgres();
  expect(await lab.call(own, '/analyze', { body: sent })).toMatchObject({ status: 503 });
  await lab.startPostgres();
  await until(
    () => lab.call(own, '/analyze', { body: sent }),
    ({ status }) => status === 202,
  );
});
