import type { ChildLimits } from '../worker/runners/pool/wear.ts';
import type { Session } from './session.ts';
import { version } from './version.ts';

/** How a process opens the database of its session. */
export const lovageOptions = (session: Session) => ({
  ...connectOptions(session),
  idempotencyTtlMs: session.settings.idempotencyTtlMs,
});

/** A worker as the environment wants it. What the command line says goes before. */
export function workerOptions(session: Session, said: { slots?: number | undefined; children: ChildLimits }) {
  const { settings } = session;
  return {
    ...connectOptions(session),
    configFile: settings.configFile,
    slots: said.slots ?? settings.concurrency,
    children: { ...said.children, maxTasks: said.children.maxTasks ?? settings.maxTasksPerChild },
    queryTimeoutMs: settings.queryTimeoutMs,
    housekeepingMs: settings.housekeepingMs,
    ages: { auditMs: settings.auditRetentionMs, deliveriesMs: settings.keeping.retentionMs },
    version: version(),
  };
}

/** What every connection of a session is made with. */
export const connectOptions = ({ settings, config, log, database, secret }: Session) => ({
  config,
  url: database.url,
  directUrl: database.directUrl,
  prepares: settings.prepares,
  secret,
  egress: { allow: settings.webhookAllow },
  log,
});
