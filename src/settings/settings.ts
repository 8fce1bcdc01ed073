import { resolve } from 'node:path';
import { z } from 'zod';
import { createAllowList } from '../egress/allow-list.ts';
import { SetupError } from '../errors.ts';
import { oldVariables } from './old-variables.ts';
import { postgresUrl } from './postgres-url.ts';
import type { Keeping } from '../task.ts';
import { parseTrustedProxies, type TrustedProxies } from './trusted-proxies.ts';
import { wholeNumber } from './whole-number.ts';

const MIB = 1024 * 1024;
const DAY_MS = 24 * 60 * 60 * 1000;
const MAX_KEEPING_MS = 3650 * DAY_MS;
const FLAGS = ['0', '1', 'false', 'true'] as const;
const flag = z.enum(FLAGS, 'must be 0 or 1').transform((value) => value === '1' || value === 'true');
const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
const named = z.string().regex(/\S/, 'must not be blank');

function isAllowList(entries: readonly string[]): boolean {
  try {
    createAllowList(entries);
    return true;
  } catch {
    return false;
  }
}

/** As a browser sends it: no path, no slash at the end. */
const isOrigin = (text: string): boolean =>
  text === '*' || (URL.canParse(text) && new URL(text).origin === text);
const origins = z
  .string()
  .transform((list) => list.split(',').map((origin) => origin.trim()))
  .refine(
    (list) => list.every(isOrigin),
    'must be origins such as https://app.example.com, with commas between, or *',
  );

const environment = z
  .object({
    ...oldVariables,
    DATABASE_URL: postgresUrl.optional(),
    LOVAGE_DIRECT_URL: postgresUrl.optional(),
    LOVAGE_URL: z
      .string()
      .regex(/^https?:\/\//, 'must begin with http:// or https://')
      .refine((url) => URL.canParse(url), 'is no URL')
      .optional(),
    LOVAGE_PREPARE: flag.default(true),
    LOVAGE_DATA_DIR: named.default('.lovage'),
    LOVAGE_API_KEY: z
      .string()
      .regex(/^[\x21-\x7e]{20,200}$/, 'must be 20 to 200 printable characters')
      .optional(),
    LOVAGE_SECRET: z
      .string()
      .regex(/^[\x21-\x7e]{32,500}$/, 'must be at least 32 printable characters')
      .optional(),
    LOVAGE_CONFIG: named.default('lovage.config.ts'),
    LOVAGE_TRUST_PROXY: z
      .string()
      .refine(
        (text) => parseTrustedProxies(text) !== undefined,
        'must be a number of proxies, or addresses such as 10.0.0.0/8,::1',
      )
      .optional(),
    LOVAGE_MAX_BODY_BYTES: wholeNumber(1024, 1024 * MIB).default(6 * MIB),
    LOVAGE_CORS_ORIGINS: origins.default([]),
    LOVAGE_LOG_LEVEL: z.enum(LOG_LEVELS, `must be one of ${LOG_LEVELS.join(', ')}`).optional(),
    LOVAGE_DIAG: flag.default(false),
    LOVAGE_DRAIN_MS: wholeNumber(0, 3_600_000).default(30_000),
    LOVAGE_QUERY_TIMEOUT_MS: wholeNumber(500, 3_600_000).default(30_000),
    LOVAGE_IDEMPOTENCY_TTL_MS: wholeNumber(1_000, 366 * 86_400_000).default(86_400_000),
    LOVAGE_ARCHIVE_AFTER_MS: wholeNumber(1, MAX_KEEPING_MS).optional(),
    LOVAGE_RETENTION_MS: wholeNumber(1, MAX_KEEPING_MS).optional(),
    LOVAGE_AUDIT_RETENTION_MS: wholeNumber(DAY_MS, MAX_KEEPING_MS).default(400 * DAY_MS),
    LOVAGE_HOUSEKEEPING_MS: wholeNumber(1_000, 3_600_000).default(60_000),
    LOVAGE_WEBHOOK_ALLOW: z
      .string()
      .default('')
      .transform((list) =>
        list
          .split(',')
          .map((entry) => entry.trim())
          .filter(Boolean),
      )
      .refine(isAllowList, 'must be hosts, addresses or networks, separated by commas'),
    LOVAGE_METRICS_OPEN: flag.default(false),
    LOVAGE_METRICS_PORT: wholeNumber(0, 65_535).optional(),
    HOST: named.default('127.0.0.1'),
    PORT: wholeNumber(0, 65_535).default(3000),
  })
  .refine(
    ({ CELERY_TASK_SOFT_TIME_LIMIT: soft = 0, CELERY_TASK_TIME_LIMIT: hard = Infinity }) => soft <= hard,
    { path: ['CELERY_TASK_SOFT_TIME_LIMIT'], error: 'must not be above CELERY_TASK_TIME_LIMIT' },
  );

/** What is read, by name. */
export const VARIABLES: readonly string[] = Object.keys(environment.shape);

/** Everything the environment decides, read and checked once at start. */
export interface Settings {
  databaseUrl: string | undefined;
  /** Past a pooler in transaction mode, to the same database. */
  directUrl: string | undefined;
  /** Where the command line finds the API; without it, it goes to the database. */
  apiUrl: string | undefined;
  /** False: no statement is left prepared, for a pooler that cannot find it again. */
  prepares: boolean;
  dataDir: string;
  apiKey: string | undefined;
  /** Signs tickets and links, encrypts webhook secrets; the same on every node. */
  secret: string | undefined;
  configFile: string;
  maxBodyBytes: number;
  /** Whose X-Forwarded-For is believed: how many proxies stand before the API, or their addresses. Default: nobody's. */
  trustedProxies?: TrustedProxies | undefined;
  /** Whose pages may call the API from a browser; `*` for all. */
  corsOrigins?: readonly string[] | undefined;
  /** Default: `warn` in `dev`, whose terminal belongs to a person, else `info`. */
  logLevel: string | undefined;
  /** Attempts at a time in a worker, where the command line does not say. */
  concurrency?: number | undefined;
  /** After so many attempts a child process is replaced, where the command line does not say. */
  maxTasksPerChild?: number | undefined;
  drainMs: number;
  /** After so long without an answer a worker gives a connection up. */
  queryTimeoutMs: number;
  /** How long an idempotency key is remembered. */
  idempotencyTtlMs: number;
  /** How long tasks are kept whose definition and queue do not say. */
  keeping: Keeping;
  auditRetentionMs: number;
  /** How often a worker sees to it that the database is swept. */
  housekeepingMs: number;
  /** Hosts and networks that webhooks may go to beside the public internet. */
  webhookAllow: readonly string[];
  /** `/metrics` needs no key. */
  metricsOpen: boolean;
  /** Where a worker, which has no API, answers `/metrics`, `/healthz` and `/readyz`. Default: nowhere. */
  metricsPort: number | undefined;
  host: string;
  port: number;
}

/**
 * An empty variable counts as unset. Values are never echoed, since some are secrets.
 * @throws SetupError with one line per faulty variable.
 */
export function readSettings(env: NodeJS.ProcessEnv = process.env): Settings {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
  const parsed = environment.safeParse(given);
  if (!parsed.success) {
    const faults = new Map(parsed.error.issues.toReversed().map((i) => [i.path.join('.'), i.message]));
    throw new SetupError([...faults].map(([name, message]) => `${name}: ${message}`).join('\n'));
  }
  const values = parsed.data;
  return {
    databaseUrl: values.DATABASE_URL,
    directUrl: values.LOVAGE_DIRECT_URL,
    apiUrl: values.LOVAGE_URL,
    prepares: values.LOVAGE_PREPARE,
    dataDir: resolve(values.LOVAGE_DATA_DIR),
    apiKey: values.LOVAGE_API_KEY,
    secret: values.LOVAGE_SECRET,
    configFile: resolve(values.LOVAGE_CONFIG),
    maxBodyBytes: values.LOVAGE_MAX_BODY_BYTES,
    trustedProxies:
      values.LOVAGE_TRUST_PROXY === undefined ? undefined : parseTrustedProxies(values.LOVAGE_TRUST_PROXY),
    corsOrigins: values.LOVAGE_CORS_ORIGINS,
    logLevel: values.LOVAGE_LOG_LEVEL,
    concurrency: values.CELERY_WORKER_CONCURRENCY,
    maxTasksPerChild: values.CELERY_WORKER_MAX_TASKS_PER_CHILD,
    drainMs: values.LOVAGE_DRAIN_MS,
    queryTimeoutMs: values.LOVAGE_QUERY_TIMEOUT_MS,
    idempotencyTtlMs: values.LOVAGE_IDEMPOTENCY_TTL_MS,
    keeping: { archiveAfterMs: values.LOVAGE_ARCHIVE_AFTER_MS, retentionMs: values.LOVAGE_RETENTION_MS },
    auditRetentionMs: values.LOVAGE_AUDIT_RETENTION_MS,
    housekeepingMs: values.LOVAGE_HOUSEKEEPING_MS,
    webhookAllow: values.LOVAGE_WEBHOOK_ALLOW,
    metricsOpen: values.LOVAGE_METRICS_OPEN,
    metricsPort: values.LOVAGE_METRICS_PORT,
    host: values.HOST,
    port: values.PORT,
  };
}
