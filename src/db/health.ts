import type pg from 'pg';

/** Postgres answers and the schema is there; false, never an error, within the pool's own time-outs. */
export async function isReady({ pool }: { pool: pg.Pool }): Promise<boolean> {
  try {
    const { rows } = await pool.query<{ migrated: boolean }>(
      "SELECT to_regprocedure('lovage.check_invariants()') IS NOT NULL AS migrated",
    );
    return rows[0]?.migrated === true;
  } catch {
    return false;
  }
}
