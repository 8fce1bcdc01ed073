import { randomUUID } from 'node:crypto';
import pg from 'pg';
import type { Lab } from '../lab.ts';

/** What Postgres said beside the answer, such as a WARNING with its hint. */
export interface Said {
  rows: Record<string, unknown>[];
  notices: { severity: string | undefined; message: string | undefined; hint: string | undefined }[];
}

/** One statement in a session of its own, as psql has it: nobody set who acts. */
export async function inPsql(url: string, text: string, values: unknown[] = []): Promise<Said> {
  const client = new pg.Client({ connectionString: url, application_name: 'psql' });
  const notices: Said['notices'] = [];
  client.on('notice', ({ severity, message, hint }) => notices.push({ severity, message, hint }));
  await client.connect();
  try {
    const { rows } = await client.query<Record<string, unknown>>(text, values);
    return { rows, notices };
  } finally {
    await client.end();
  }
}

export async function inSession(url: string, work: (client: pg.Client) => Promise<void>): Promise<void> {
  const client = new pg.Client({ connectionString: url, application_name: 'psql' });
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}

/** The one value of the one row. */
export const valueInPsql = async <Value = string>(
  url: string,
  text: string,
  values: unknown[] = [],
): Promise<Value> => {
  const { rows } = await inPsql(url, text, values);
  return Object.values(rows[0] ?? {})[0] as Value;
};

/** A role that can log in, and goes with the lab's database. */
export async function openRole(lab: Lab, { name = 'clerk' } = {}) {
  const role = `${name}_${randomUUID().slice(0, 8)}`;
  const quoted = pg.escapeIdentifier(role);
  await lab.sql(`CREATE ROLE ${quoted} LOGIN PASSWORD 'clerk'`);
  const url = new URL(lab.url);
  url.username = encodeURIComponent(role);
  url.password = 'clerk';
  return {
    role,
    url: url.href,
    async [Symbol.asyncDispose]() {
      await lab.sql(`DROP OWNED BY ${quoted}; DROP ROLE ${quoted}`);
    },
  };
}

/** What was written down of the operator's doings, the oldest first. */
export const auditOf = (lab: Lab, action: string) =>
  lab.sql<{ actor: string; target: string; outcome: string; detail: Record<string, unknown> }>(
    'SELECT actor, target, outcome, detail FROM lovage.v_audit WHERE action = $1 ORDER BY id',
    [action],
  );
