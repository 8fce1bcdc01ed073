import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { expect, test } from 'vitest';
import { startEmbeddedPostgres } from '../../src/embedded-postgres/index.ts';
import { until } from '../lab.ts';
import { kill } from '../worker/processes.ts';
import { startApiProcess } from './api-process.ts';

/** Once a second a process looks for all that its callers wait for: those that came before are waiting then. */
async function isPolledFor(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query(
      "SELECT FROM pg_stat_activity WHERE query LIKE 'SELECT id FROM lovage.any_tasks%is_final%'",
    );
    return rows.length > 0;
  } finally {
    await client.end();
  }
}

test('callers that wait for a task over a restart of Postgres are answered when it ends', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'lovage-waiting-'));
  let server = await startEmbeddedPostgres({ dataDir });
  const api = await startApiProcess(server.url);
  try {
    const { body } = await api.call('POST', '/v1/tasks/diag.noop', { body: {} });
    const waiting = Array.from({ length: 20 }, () => api.call('GET', `/v1/tasks/${body.id}?wait=60`));
    const answered = Promise.race(waiting).then(() => true);
    await until(() => isPolledFor(server.url));
    process.kill(server.pid, 'SIGINT');
    await until(
      () => api.output(),
      (text) => text.includes('the listener lost its connection'),
    );
    expect((await api.call('GET', `/v1/tasks/${body.id}`)).status).toBe(503);
    server = await until(
      () => startEmbeddedPostgres({ dataDir }).catch(() => server),
      (started) => started !== server,
    );
    expect(await Promise.race([answered, Promise.resolve(false)])).toBe(false);
    await until(
      () => api.call('POST', `/v1/tasks/${body.id}/cancel`),
      ({ status }) => status === 200,
    );
    for (const answer of await Promise.all(waiting)) {
      expect(answer).toMatchObject({ status: 200, body: { state: 'cancelled' } });
    }
  } finally {
    await kill(api);
    await server.release();
    await rm(dataDir, { recursive: true, force: true });
  }
});
