import pg from 'pg';

/** Hands a row to a listener and times it, in milliseconds. */
export interface RawPickup extends AsyncDisposable {
  sample(): Promise<number>;
}

/**
 * The least that a durable hand-over through Postgres can do: commit a row, notify, and mark it as taken on another
 * connection. No HTTP, no validation, no history, one process.
 */
export async function openRawPickup(url: string): Promise<RawPickup> {
  const [sender, taker] = [
    new pg.Client({ connectionString: url }),
    new pg.Client({ connectionString: url }),
  ];
  await Promise.all([sender.connect(), taker.connect()]);
  await sender.query('CREATE TABLE raw_pickup (id int PRIMARY KEY, taken boolean NOT NULL DEFAULT false)');
  await taker.query('LISTEN raw_pickup');

  const take = async () => {
    const { rowCount } = await taker.query({
      name: 'take',
      text: 'UPDATE raw_pickup SET taken = true WHERE id = (SELECT id FROM raw_pickup WHERE NOT taken LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING id',
    });
    if (rowCount !== 1) throw new Error('the raw row was not there to take');
    return performance.now();
  };
  let next = 0;
  return {
    async sample() {
      const notified = Promise.withResolvers<number>();
      taker.once('notification', () => void take().then(notified.resolve, notified.reject));
      const startedAt = performance.now();
      await sender.query({
        name: 'add',
        text: 'INSERT INTO raw_pickup (id) VALUES ($1)',
        values: [(next += 1)],
      });
      await sender.query('NOTIFY raw_pickup');
      return (await notified.promise) - startedAt;
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([sender.end(), taker.end()]);
    },
  };
}
