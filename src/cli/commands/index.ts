import type { Command } from '../command.ts';
import { archivePlan, archiveRun } from './archive.ts';
import { audit } from './audit.ts';
import { bench } from './bench.ts';
import { cancel as cancelBatch } from './batches/cancel.ts';
import { cancel as cancelTask } from './tasks/cancel.ts';
import { completionOf } from './completion.ts';
import { create as createKey } from './keys/create.ts';
import { create as createWebhook } from './webhooks/create.ts';
import { deliveries as listDeliveries } from './webhooks/deliveries.ts';
import { dev } from './dev.ts';
import { doctor } from './doctor.ts';
import { drain as drainWorker } from './workers/drain.ts';
import { explain as explainTask } from './tasks/explain.ts';
import { grants } from './grants.ts';
import { health } from './health.ts';
import { limit as limitQueue } from './queues/limit.ts';
import { list as listBatches } from './batches/list.ts';
import { list as listKeys } from './keys/list.ts';
import { list as listQueues } from './queues/list.ts';
import { list as listSchedules } from './schedules/list.ts';
import { list as listTasks } from './tasks/list.ts';
import { list as listWebhooks } from './webhooks/list.ts';
import { list as listWorkers } from './workers/list.ts';
import { logs as logsTask } from './tasks/logs.ts';
import { migrate } from './migrate.ts';
import { pause as pauseQueue } from './queues/pause.ts';
import { pause as pauseSchedule } from './schedules/pause.ts';
import { preview as previewSchedule } from './schedules/preview.ts';
import { psql } from './psql.ts';
import { put as putSchedule } from './schedules/put.ts';
import { remove as removeSchedule } from './schedules/remove.ts';
import { remove as removeWebhook } from './webhooks/remove.ts';
import { replay as replayWebhook } from './webhooks/replay.ts';
import { resume as resumeQueue } from './queues/resume.ts';
import { resume as resumeSchedule } from './schedules/resume.ts';
import { retry as retryTask } from './tasks/retry.ts';
import { revoke as revokeKey } from './keys/revoke.ts';
import { rotate as rotateKey } from './keys/rotate.ts';
import { rotate as rotateWebhook } from './webhooks/rotate.ts';
import { run as runSchedule } from './schedules/run.ts';
import { run as runTask } from './tasks/run.ts';
import { serve } from './serve.ts';
import { show as showBatch } from './batches/show.ts';
import { show as showSchedule } from './schedules/show.ts';
import { show as showTask } from './tasks/show.ts';
import { show as showWebhook } from './webhooks/show.ts';
import { stats } from './stats.ts';
import { test as testWebhook } from './webhooks/test.ts';
import { update as updateWebhook } from './webhooks/update.ts';
import { watch as watchTask } from './tasks/watch.ts';
import { worker } from './worker.ts';

/** All commands, in the order in which the help lists them. */
export const COMMANDS: readonly Command[] = [
  dev,
  serve,
  worker,
  migrate,
  listTasks,
  showTask,
  watchTask,
  logsTask,
  explainTask,
  runTask,
  cancelTask,
  retryTask,
  listQueues,
  pauseQueue,
  resumeQueue,
  limitQueue,
  listWorkers,
  drainWorker,
  listSchedules,
  showSchedule,
  putSchedule,
  removeSchedule,
  previewSchedule,
  pauseSchedule,
  resumeSchedule,
  runSchedule,
  listBatches,
  showBatch,
  cancelBatch,
  listWebhooks,
  showWebhook,
  createWebhook,
  updateWebhook,
  rotateWebhook,
  removeWebhook,
  listDeliveries,
  replayWebhook,
  testWebhook,
  createKey,
  listKeys,
  rotateKey,
  revokeKey,
  archivePlan,
  archiveRun,
  audit,
  stats,
  grants,
  doctor,
  health,
  bench,
  psql,
  completionOf(() => COMMANDS),
];
