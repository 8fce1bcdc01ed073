import { execFile } from 'node:child_process';
import { chmod, chown, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openHttpLab, type HttpLab } from '../api/http-lab.ts';
import { until } from '../lab.ts';

const run = promisify(execFile);
const ROOM = '24m';

let lab: HttpLab;
let disk: string | undefined;
/** A tablespace on a small disk of its own: mounting one takes root, and a server on this machine. */
beforeAll(async () => {
  lab = await openHttpLab();
  const [server] = await lab.lab.sql<{ folder: string; role: string }>(
    "SELECT current_setting('data_directory') AS folder, current_user AS role",
  );
  const owner = await stat(server?.folder ?? '').catch(() => undefined);
  if (process.getuid?.() !== 0 || !owner) return;
  disk = await mkdtemp(join(tmpdir(), 'lovage-disk-'));
  await chmod(disk, 0o755);
  await run('mount', ['-t', 'tmpfs', '-o', `size=${ROOM}`, 'tmpfs', disk]);
  await run('mkdir', [join(disk, 'space')]);
  await chown(join(disk, 'space'), owner.uid, owner.gid);
  await lab.lab.sql(`CREATE TABLESPACE small LOCATION '${join(disk, 'space')}'`);
});
afterAll(async () => {
  await lab.lab
    .sql('ALTER TABLE IF EXISTS lovage.task_event SET TABLESPACE pg_default')
    .catch(() => undefined);
  await moveTo('pg_default').catch(() => undefined);
  await lab.lab.sql('DROP TABLESPACE IF EXISTS small').catch(() => undefined);
  await lab[Symbol.asyncDispose]();
  if (disk === undefined) return;
  await run('umount', ['-l', disk]);
  await rm(disk, { recursive: true, force: true });
});

/** Every write of a task goes here. */
async function moveTo(space: string): Promise<void> {
  for (const table of ['task', 'task_event', 'task_result'])
    await lab.lab.sql(`ALTER TABLE lovage.${table} SET TABLESPACE ${space}`);
}

const fill = () => run('sh', ['-c', `dd if=/dev/zero of=${disk}/filler bs=64k 2>/dev/null || true`]);
const free = () => rm(`${disk}/filler`);
const submit = () => lab.call('POST', '/v1/tasks/diag.echo', { body: { value: 'x'.repeat(2_000) } });

test('a full disk refuses writes clearly, the worker waits, and all goes on when there is room', async (context) => {
  if (disk === undefined) {
    console.log('not run: a small disk can be mounted by root only, beside a server of this machine');
    return context.skip();
  }
  await moveTo('small');
  await lab.work();
  const before = (await submit()).body.id;
  expect(await lab.lab.final(before)).toMatchObject({ state: 'succeeded' });

  await fill();
  const refused = await until(submit, ({ status }) => status !== 202);
  expect(refused).toMatchObject({
    status: 503,
    body: { type: '/problems/queue-unavailable', detail: expect.stringContaining('no room left') as string },
  });
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
  // What was accepted before is shown, and the server lives.
  expect((await lab.call('GET', `/v1/tasks/${before}`)).status).toBe(200);
  const waiting = await lab.lab.sql<{ id: string }>(
    'SELECT id FROM lovage.task WHERE NOT lovage.is_final(state)',
  );

  await free();
  const after = await until(submit, ({ status }) => status === 202);
  expect(await lab.lab.final(after.body.id)).toMatchObject({ state: 'succeeded' });
  for (const { id } of waiting) expect(await lab.lab.final(id)).toMatchObject({ state: 'succeeded' });
  expect(await lab.lab.violations()).toEqual([]);
});
