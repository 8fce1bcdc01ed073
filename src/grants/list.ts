import pg from 'pg';
import { SetupError } from '../errors.ts';

/** What a role may do with the SQL contract: look, or look and act. */
export type Rights = 'read' | 'operate';

const MAX_NAME_BYTES = 63;

/** What anybody may look at: no input, no result, no secret. */
const READ_VIEWS = [
  'v_tasks',
  'v_running',
  'v_queue_depth',
  'v_failures',
  'v_workers',
  'v_attempts',
  'v_events',
  'v_throughput',
  'v_definitions',
  'v_schedules',
  'v_webhooks',
  'v_deliveries',
  'v_batches',
  'v_locks',
  'v_stuck',
  'v_audit',
];

/** A view's functions run with the rights of whoever reads it; these say no more than the views do. */
const READ_FUNCTIONS = [
  'contract_version',
  'explain',
  'throughput',
  'vacuum_holders',
  'why',
  'percent',
  'progress_text',
  'task_percent',
  'task_progress_text',
  'shown_data',
  'shown_url',
  'running_tasks',
  'queue_depths',
  'batch_counts',
  'endpoint_deliveries',
  'lock_waits',
];

const OPERATE_VIEWS = ['v_payloads'];
const OPERATE_FUNCTIONS = [
  'enqueue',
  'cancel',
  'cancel_many',
  'retry',
  'retry_many',
  'pause',
  'resume',
  'limit_queue',
  'follow_config',
  'drain_worker',
  'pause_schedule',
  'resume_schedule',
  'run_schedule',
  'cancel_batch',
  'replay_delivery',
  'check_invariants',
];

const READABLE = new Set([...READ_VIEWS, ...READ_FUNCTIONS]);
const OPERABLE = new Set([...OPERATE_VIEWS, ...OPERATE_FUNCTIONS]);

/** Which rights a view or a function of the contract comes with; undefined for what is no part of it. */
export const rightsFor = (name: string): Rights | undefined =>
  READABLE.has(name) ? 'read' : OPERABLE.has(name) ? 'operate' : undefined;

/** The statements that give a role its rights. Repeatable. @throws SetupError for what cannot be a role's name. */
export function listGrants(rights: Rights, role: string): string[] {
  const to = quoteRole(role);
  const isOperator = rights === 'operate';
  const views = [...READ_VIEWS, ...(isOperator ? OPERATE_VIEWS : [])];
  const functions = [...READ_FUNCTIONS, ...(isOperator ? OPERATE_FUNCTIONS : [])];
  return [
    `GRANT USAGE ON SCHEMA lovage TO ${to};`,
    `GRANT SELECT ON ${inSchema(views)} TO ${to};`,
    `GRANT EXECUTE ON FUNCTION ${inSchema(functions)} TO ${to};`,
  ];
}

const inSchema = (names: readonly string[]): string => names.map((name) => `lovage.${name}`).join(', ');

/** Postgres would cut a longer name, and so name another role; PUBLIC in quotes is an ordinary name. */
function quoteRole(role: string): string {
  const isName = role !== '' && !role.includes('\0') && role.isWellFormed();
  if (!isName || Buffer.byteLength(role) > MAX_NAME_BYTES) {
    throw new SetupError(`a role’s name has 1 to ${MAX_NAME_BYTES} bytes: ${JSON.stringify(role)}`);
  }
  return pg.escapeIdentifier(role);
}
