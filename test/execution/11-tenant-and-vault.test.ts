import { afterAll, beforeAll, expect, test } from 'vitest';
import { createVault, runTask } from '../../src/testing/index.ts';
import { enqueueTask } from '../../src/tasks/enqueue.ts';
import { getResult } from '../../src/tasks/result.ts';
import { waitForTask } from '../../src/tasks/wait.ts';
import type { InputOf } from '../../src/task.ts';
import { keeps, keepsInProcess } from '../fixtures/runs.ts';
import { openLab, type Lab } from '../lab.ts';

const SECRET = 'the-secret-of-this-test-of-40-characters';

let lab: Lab;
beforeAll(async () => {
  lab = await openLab();
});
afterAll(() => lab[Symbol.asyncDispose]());

async function run(definition: typeof keeps | typeof keepsInProcess, input: InputOf<typeof keeps>) {
  const acme = { ...lab.caller, tenant: 'acme' };
  const { id } = await enqueueTask(lab.lovage, acme, { name: definition.name, input });
  const { error } = await waitForTask(lab.lovage, acme, id, { timeoutMs: 20_000 });
  if (error) throw Object.assign(new Error(error.message), { code: error.code });
  return (await getResult(lab.lovage, acme, id)) as { tenant: string; text: string; argv: string[] };
}

test('without LOVAGE_SECRET only the handler that uses its vault fails, inline and in a child', async () => {
  const worker = await lab.worker();
  for (const definition of [keeps, keepsInProcess]) {
    await expect(run(definition, { encrypt: 'Ms Doe' })).rejects.toMatchObject({ code: 'not-configured' });
    expect(await run(definition, {})).toMatchObject({ tenant: 'acme' });
  }
  await worker.drain(0);
});

test('a handler knows its tenant, and reads in a child process what it encrypted inline', async () => {
  await lab.worker({ secret: SECRET });
  const inline = await run(keeps, { encrypt: 'Ms Doe' });
  const child = await run(keepsInProcess, { decrypt: inline.text });
  expect([inline.tenant, child.tenant]).toEqual(['acme', 'acme']);
  expect(child.text).toBe('Ms Doe');
  expect(child.argv.join(' ')).toContain('child/main');
  expect(child.argv.join(' ')).not.toContain(SECRET);

  const stored = await lab.sql<{ error: string }>(
    'SELECT error::text FROM lovage.task WHERE error IS NOT NULL',
  );
  expect(JSON.stringify(stored)).not.toContain(SECRET);
});

test('a definition run by itself is of the tenant that is given, and shares its vault', async () => {
  const { output } = await runTask(keeps, { encrypt: 'Ms Doe' });
  const again = { decrypt: output.text };
  expect(output.tenant).toBe('default');
  expect((await runTask(keeps, again, { tenant: 'acme' })).output).toMatchObject({
    tenant: 'acme',
    text: 'Ms Doe',
  });
  await expect(runTask(keeps, again, { vault: createVault() })).rejects.toMatchObject({
    code: 'not-configured',
  });
});
