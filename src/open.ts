import { AuditWriter } from './audit/writer.ts';
import { withHousekeepingQueue, type Config } from './config.ts';
import { connect } from './db/connect.ts';
import { Listener, type Channel } from './db/listen.ts';
import { applyMigrations, CORE_MIGRATIONS, underMigrationLock } from './db/migrate.ts';
import { publishDefinitions } from './definitions/publish.ts';
import { publishSchedules } from './schedules/publish.ts';
import { createEgress, type EgressOptions } from './egress/egress.ts';
import { makePartitions } from './archive/partitions.ts';
import type { Log } from './log.ts';
import type { Lovage } from './lovage.ts';
import { Metrics } from './metrics/metrics.ts';
import { declareQueues, migrateBoss } from './queue/declare.ts';
import { createNotifier } from './queue/notify.ts';
import { EventWatch } from './queue/event-watch.ts';
import { FinalWatch } from './queue/final-watch.ts';
import { Sender, type SenderOptions } from './queue/sender.ts';
import type { Keeping } from './task.ts';
import { createSecret } from './secret.ts';

// Callers over HTTP learn within five seconds that Postgres is away: three to connect, four to answer.
const QUERY_TIMEOUT_MS = 4_000;
const DAY_MS = 24 * 60 * 60 * 1000;

/**
 * Brings a database up to date for a configuration: pg-boss, Lovage's schema, queues, packs' own tables, definitions,
 * schedules, and the archive's next partitions. `keeping` is what the environment says of retention; with `changes` false, limits,
 * retention, definitions and schedules that the database knows stay as they are.
 * @throws SetupError for a schedule or a retention that makes no sense.
 */
export async function migrateFor(
  config: Config,
  url: string,
  { keeping = {}, changes = true }: { keeping?: Keeping; changes?: boolean | undefined } = {},
): Promise<void> {
  await underMigrationLock(url, async (client) => {
    // The journal's functions name pg-boss's tables, so those come first.
    await migrateBoss(client);
    await applyMigrations(client, CORE_MIGRATIONS);
    await declareQueues(client, withHousekeepingQueue(config), { changes });
    await publishDefinitions(client, withHousekeepingQueue(config), { keeping, changes });
    // Workers make them by a timer too: a lock that somebody holds on the archive stops nobody's start.
    await makePartitions(client).catch(() => undefined);
    await publishSchedules(client, config, { changes });
    for (const { name, migrations } of config.packs) {
      if (migrations) await applyMigrations(client, { folder: migrations, table: `pack_${name}` });
    }
  });
}

/** Connects to a migrated database; the time-outs are those of `connect`. */
export async function openLovage(options: {
  config: Config;
  url: string;
  /** For LISTEN, which a pooler in transaction mode does not carry. Default: `url`. */
  directUrl?: string | undefined;
  /** `LOVAGE_SECRET`. Without it what needs it refuses with `not-configured`. */
  secret?: string | undefined;
  egress?: EgressOptions | undefined;
  /** False: no statement is left prepared. */
  prepares?: boolean | undefined;
  log: Log;
  /** Where several share them, as in `dev`; default: of its own. */
  metrics?: Metrics | undefined;
  /** What its connections are called in the metrics. Default: `api`. */
  role?: string;
  max?: number;
  queryTimeoutMs?: number;
  statementTimeoutMs?: number;
  /** What to LISTEN to, beside what is watched; default: the ends of tasks and what happens to those that are watched. */
  channels?: readonly Channel[];
  sending?: SenderOptions | undefined;
  /** How long an idempotency key is remembered. Default 24 h. */
  idempotencyTtlMs?: number | undefined;
}): Promise<Lovage> {
  const { config, url, log, metrics = new Metrics(), role = 'api' } = options;
  const { pool, db } = connect({
    url,
    log,
    max: options.max ?? 10,
    prepares: options.prepares,
    queryTimeoutMs: options.queryTimeoutMs ?? QUERY_TIMEOUT_MS,
    ...(options.statementTimeoutMs ? { statementTimeoutMs: options.statementTimeoutMs } : {}),
  });
  const notifier = createNotifier(pool, log);
  const audit = new AuditWriter(pool, log);
  const channels = options.channels ?? (['lovage_final', 'lovage_event'] as const);
  const listener = new Listener(options.directUrl ?? url, [...channels, 'lovage_watch'], log);
  listener.on('lovage_watch', notifier.watched);
  await listener.start();
  metrics.connections.watchPool(role, pool);
  metrics.connections.watchListener(role, listener);
  const finals = new FinalWatch(pool, listener, log);
  const events = new EventWatch({ pool, listener, notifier, log });
  return {
    config,
    url,
    pool,
    db,
    notifier,
    sender: new Sender(pool, options.sending),
    audit,
    listener,
    finals,
    events,
    secret: createSecret(options.secret),
    idempotencyTtlMs: options.idempotencyTtlMs ?? DAY_MS,
    egress: createEgress(options.egress),
    metrics,
    log,
    async close() {
      finals.close();
      events.close();
      await notifier.flush();
      await audit.close();
      await listener.close();
      await pool.end();
    },
  };
}
