import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Program } from '../../tools/pgbouncer/find.ts';
import { until } from '../lab.ts';
import { freePort } from './cluster.ts';

/** A real PgBouncer in transaction mode, with nothing set beyond that. */
export async function startPgBouncer(
  { path, libraries }: Program,
  databaseUrl: string,
  settings = '',
): Promise<AsyncDisposable & { url: string }> {
  const target = new URL(databaseUrl);
  const folder = await mkdtemp(join(tmpdir(), 'lovage-pgbouncer-'));
  await chmod(folder, 0o755);
  const port = await freePort();
  const password = decodeURIComponent(target.password);
  await writeFile(join(folder, 'users.txt'), `"${target.username}" "${password}"\n`);
  await writeFile(
    join(folder, 'pgbouncer.ini'),
    `[databases]
* = host=${target.hostname} port=${target.port || 5432}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = ${join(folder, 'users.txt')}
pool_mode = transaction
${settings}
`,
  );
  // As root it has to be told who to be instead.
  const asWhom = process.getuid?.() === 0 ? ['-u', 'nobody'] : [];
  const child = spawn(path, [...asWhom, join(folder, 'pgbouncer.ini')], {
    env: { ...process.env, ...(libraries && { LD_LIBRARY_PATH: libraries }) },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  await until(() => {
    if (child.exitCode !== null) throw new Error(`pgbouncer ended at start:\n${said}`);
    return said.includes('process up');
  });
  target.port = String(port);
  return {
    url: target.href,
    async [Symbol.asyncDispose]() {
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
      await rm(folder, { recursive: true });
    },
  };
}
