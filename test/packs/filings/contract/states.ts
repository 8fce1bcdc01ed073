import { describe, expect, test } from 'vitest';
import { until } from '../../../lab.ts';
import { filing, unreadable, type Client, type Submitted } from './client.ts';

/** Every word for a state. */
export function testStates(client: Client): void {
  describe('states', () => {
    test('PENDING while it waits, PROGRESS while it runs, RETRY between attempts, and REVOKED when cancelled', async () => {
      await client.native('/v1/queues/filings/pause', {});
      const { body: first } = await client.call<Submitted>('/analyze', filing('STATE'));
      expect(await client.statusOf(first.task_id)).toEqual({
        task_id: first.task_id,
        status: 'PENDING',
        progress: null,
        result: null,
        error: null,
      });
      client.service.answer = () => ({ isSilent: true });
      await client.native('/v1/queues/filings/resume', {});
      await client.reaches(first.task_id, 'PROGRESS');
      const running = await until(
        () => client.statusOf(first.task_id),
        ({ progress }) => progress?.current === 2,
      );
      expect(running).toMatchObject({ progress: { current: 2, total: 5, status: expect.any(String) } });
      await client.native(`/v1/tasks/${first.task_id}/cancel`, {});
      expect(await client.reaches(first.task_id, 'REVOKED')).toMatchObject({ result: null });

      client.service.answer = () => ({ status: 502, type: 'text/html', body: '<html>Bad gateway</html>' });
      const { body: second } = await client.call<Submitted>('/analyze', filing('STATE'));
      expect(await client.reaches(second.task_id, 'RETRY')).toMatchObject({
        result: null,
        error: expect.stringContaining('502'),
      });
      const { body: task } = await client.native<{ attempt: number; maxAttempts: number; dueAt: string }>(
        `/v1/tasks/${second.task_id}`,
      );
      expect(task).toMatchObject({ attempt: 1, maxAttempts: 4 });
      const batch = await client.call<Submitted>('/analyze/batch', { filings: [filing('STATE', 2019)] });
      expect(
        await until(
          () => client.call<{ status: string; counts: object }>(`/analyze/batch/${batch.body.task_id}`),
          ({ body: shown }) => (shown.counts as { RETRY: number }).RETRY === 1,
        ),
      ).toMatchObject({ body: { status: 'PROGRESS', progress: { current: 0, total: 1 } } });
      await client.native(`/v1/tasks/${second.task_id}/cancel`, {});
      expect(await client.reaches(second.task_id, 'REVOKED')).toMatchObject({ result: null });
    });

    test('a service that lies is a FAILURE at once, under the name of what failed', async () => {
      client.service.answer = () => ({ type: 'text/html', body: '<html>Sign in</html>' });
      const { body: accepted } = await client.call<Submitted>('/analyze', filing('LIES'));
      const failed = await client.reaches(accepted.task_id, 'FAILURE');
      expect(failed).toMatchObject({ result: null, error: expect.stringContaining('text/html') });
      const { body: task } = await client.native(`/v1/tasks/${accepted.task_id}`);
      expect(task).toMatchObject({ attempt: 1, error: { code: 'EmbeddingsError' } });
      expect(await client.call('/analyze?async_mode=false', filing('LIES'))).toMatchObject({ status: 500 });
    });

    test('a filing that nobody can read is a FAILURE at once', async () => {
      const { body: accepted } = await client.call<Submitted>('/analyze', unreadable);
      await client.reaches(accepted.task_id, 'FAILURE');
      const { body: task } = await client.native(`/v1/tasks/${accepted.task_id}`);
      expect(task).toMatchObject({ attempt: 1, error: { code: 'IntegrationError' } });
    });
  });
}
