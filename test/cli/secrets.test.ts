import { expect, test } from 'vitest';
import { openLab, until } from '../lab.ts';

const API_KEY = 'sk-very-secret-key-0123456789';

test('neither the API key nor the password of the URL gets into output or logs', async () => {
  await using lab = await openLab();
  const { password } = new URL(lab.url);
  const dev = await lab.spawn(['dev'], { LOVAGE_LOG_LEVEL: 'debug', LOVAGE_API_KEY: API_KEY, PORT: '0' });
  await until(
    () => dev.output(),
    (text) => text.includes('Lovage is ready'),
  );
  const url = /API\s+(http:\/\/[\d.:]+)\/v1/.exec(dev.output())?.[1] ?? '';
  const call = (path: string, body?: string) =>
    fetch(`${url}${path}`, {
      headers: { authorization: `Bearer ${API_KEY}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { method: 'POST', body }),
    });
  expect((await call('/v1/tasks/diag.echo?async=false', '{"value": "a private word"}')).status).toBe(200);
  expect((await call('/v1/tasks/diag.echo', '{"value": ')).status).toBe(400);
  await lab
    .sql(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name LIKE 'lovage%'",
    )
    .catch(() => undefined);
  await until(
    () => dev.output(),
    (text) => text.includes('connection'),
  );
  dev.child.kill('SIGTERM');
  expect(await dev.exited).toBe(0);
  expect(dev.output()).toContain('the one in LOVAGE_API_KEY');
  expect(password).not.toBe('');
  for (const secret of [API_KEY, password, 'a private word']) expect(dev.output()).not.toContain(secret);
});
