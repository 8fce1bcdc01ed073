import pg from 'pg';

/**
 * Whether a pooler stands between: it numbers its clients itself, and those numbers are no backend's. A proxy that passes
 * everything on is none.
 */
export async function isPooled(client: pg.Client): Promise<boolean> {
  const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  const { processID: announced } = client as unknown as { processID: number | null };
  return announced !== rows[0]?.pid;
}

export interface Road {
  isPooled: boolean;
  /** A statement that one transaction prepared fails the next one, which meets another backend. */
  losesPrepared: boolean;
}

const ROUNDS = 3;

/** Finds out what stands between, over two connections for a moment. */
export async function examineRoad(url: string): Promise<Road> {
  const [one, two] = [1, 2].map(() => new pg.Client({ ...PROBE, connectionString: url })) as [
    pg.Client,
    pg.Client,
  ];
  for (const client of [one, two]) client.on('error', () => undefined);
  try {
    await one.connect();
    if (!(await isPooled(one))) return { isPooled: false, losesPrepared: false };
    await two.connect();
    return { isPooled: true, losesPrepared: await losesPrepared(one, two) };
  } finally {
    await Promise.all([one.end(), two.end()]);
  }
}

const PROBE = { application_name: 'lovage probe', connectionTimeoutMillis: 3_000, query_timeout: 5_000 };

/** The other one either prepares the same name on the same backend, or holds that backend when it is wanted again. */
async function losesPrepared(one: pg.Client, two: pg.Client): Promise<boolean> {
  try {
    for (let round = 0; round < ROUNDS; round += 1) {
      const name = `lovage_probe_${process.pid}_${round}`;
      await one.query({ name, text: 'SELECT 1' });
      await two.query({ name, text: 'SELECT 1' });
      await two.query('BEGIN');
      try {
        await one.query({ name, text: 'SELECT 1' });
      } finally {
        await two.query('ROLLBACK');
      }
    }
    return false;
  } catch (error) {
    if (MISSING_OR_TAKEN.has(String((error as { code?: unknown }).code))) return true;
    throw error;
  }
}

const MISSING_OR_TAKEN = new Set(['26000', '42P05']);
