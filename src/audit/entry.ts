import type { ErrorCode } from '../errors.ts';
import type { Caller } from '../wire.ts';

/** One call that changes something, as it is written down. */
export interface AuditEntry {
  caller: Pick<Caller, 'actor' | 'tenant' | 'origin'>;
  /** The verb, such as `tasks.cancel`. */
  action: string;
  /** The id or name of what it was done to. */
  target: string | null;
  outcome: 'ok' | ErrorCode;
  detail: Record<string, unknown>;
}

const MAX_TEXT = 1_000;
const MAX_ITEMS = 50;

/** Of what was asked: filters, names and reasons. No input of a task, no URL, no key. */
const TOLD_OF_REQUEST = [
  'name',
  'queue',
  'state',
  'tag',
  'createdAfter',
  'createdBefore',
  'reason',
  'label',
  'tenant',
  'scopes',
  'graceMs',
  'taskName',
] as const;
/** Of what came of it. */
const TOLD_OF_ANSWER = [
  'name',
  'outcome',
  'cancelled',
  'requested',
  'queued',
  'skipped',
  'size',
  'replacedBy',
] as const;

/** What a call was done to, and what is worth remembering of it, whatever the verb. */
export function describeCall(request: unknown, answer: unknown): Pick<AuditEntry, 'target' | 'detail'> {
  const [asked, got] = [fieldsOf(request), fieldsOf(answer)];
  const detail = { ...pick(asked, TOLD_OF_REQUEST), ...pick(got, TOLD_OF_ANSWER) };
  const target = [
    asked['id'],
    got['id'],
    ...Object.values(got).map((part) => fieldsOf(part)['id']),
    asked['name'],
  ];
  return { target: target.find((part) => typeof part === 'string')?.slice(0, 200) ?? null, detail };
}

function pick(fields: Record<string, unknown>, names: readonly string[]): Record<string, unknown> {
  const told = names.map((name) => [name, short(fields[name])] as const);
  return Object.fromEntries(told.filter(([, value]) => value !== undefined && value !== null));
}

/** Texts, numbers and lists of texts; anything else is left out. */
function short(value: unknown): unknown {
  if (typeof value === 'string') return value.slice(0, MAX_TEXT);
  if (Array.isArray(value)) {
    return value
      .filter((item) => typeof item === 'string')
      .slice(0, MAX_ITEMS)
      .map((item) => item.slice(0, 100));
  }
  return typeof value === 'number' || typeof value === 'boolean' ? value : undefined;
}

const fieldsOf = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
