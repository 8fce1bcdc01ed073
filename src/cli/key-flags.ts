import type { NewKey } from '../keys/create.ts';
import { SCOPES, type RateLimit, type Scope } from '../wire.ts';
import type { KeyView } from '../wire/key.ts';
import { keyWord } from '../api/trpc/key-fields.ts';
import { wholeNumber } from './arguments.ts';
import { UsageError } from './command.ts';

const MAX_GRACE_MS = 30 * 24 * 3_600_000;
const UNITS_MS: Record<string, number> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const MAX_PERIOD_MS = 86_400_000;
const MAX_RATE = 10_000_000;

export const KEY_FLAGS = {
  scopes: { type: 'string', default: 'enqueue,read,cancel' },
  tenant: { type: 'string' },
  priority: { type: 'string' },
  rate: { type: 'string' },
  expires: { type: 'string' },
  grace: { type: 'string', default: '0' },
  json: { type: 'boolean', default: false },
} as const;

interface KeyValues {
  scopes: string;
  tenant?: string | undefined;
  priority?: string | undefined;
  rate?: string | undefined;
  expires?: string | undefined;
  grace: string;
}

export const readNewKey = (name: string, values: KeyValues): NewKey & { graceMs: number } => ({
  name: name === '' ? name : readWord(name, 'the name'),
  scopes: readScopes(values.scopes),
  tenant: values.tenant === undefined ? undefined : readWord(values.tenant, '--tenant'),
  priority: values.priority === undefined ? undefined : readPriority(values.priority),
  rate: values.rate === undefined ? undefined : readRate(values.rate),
  expiresAt: values.expires === undefined ? undefined : readTime(values.expires),
  graceMs: wholeNumber(values.grace, '--grace', 0, MAX_GRACE_MS),
});

function readWord(text: string, what: string): string {
  const { error } = keyWord.safeParse(text);
  if (error) throw new UsageError(`${what}: "${text}" ${error.issues[0]?.message}`);
  return text;
}

function readScopes(text: string): Scope[] {
  const scopes = text.split(',').map((scope) => scope.trim());
  const unknown = scopes.filter((scope) => !SCOPES.includes(scope as Scope));
  if (unknown.length > 0)
    throw new UsageError(`--scopes: "${unknown.join(', ')}" is none of ${SCOPES.join(', ')}`);
  return scopes as Scope[];
}

function readPriority(text: string): number {
  const priority = Number(text);
  if (/^-?\d+$/.test(text) && Math.abs(priority) <= 1_000) return priority;
  throw new UsageError(`--priority must be a whole number from -1000 to 1000, got "${text}"`);
}

/** `100/60s`, `100/s`, `5000/1h`. */
function readRate(text: string): RateLimit {
  const [, count = '', many = '1', unit = ''] = /^(\d{1,8})\/(\d{1,5})?([smhd])$/.exec(text) ?? [];
  const rate = { limit: Number(count), periodMs: Number(many) * (UNITS_MS[unit] ?? 0) };
  const isSound =
    rate.limit >= 1 && rate.limit <= MAX_RATE && rate.periodMs > 0 && rate.periodMs <= MAX_PERIOD_MS;
  if (isSound) return rate;
  throw new UsageError(`--rate: "${text}" is no rate such as 100/60s, of a period up to a day`);
}

function readTime(text: string): string {
  if (Number.isNaN(Date.parse(text))) throw new UsageError(`--expires: "${text}" is no ISO 8601 time`);
  return new Date(text).toISOString();
}

export const describeKey = (key: KeyView) => ({
  id: key.id,
  key: `${key.prefix}…`,
  name: key.name,
  tenant: key.tenant,
  scopes: key.scopes.join(','),
  rate: key.rate ? `${key.rate.limit}/${key.rate.periodMs / 1000}s` : '',
  created: key.createdAt,
  used: key.lastUsedAt ?? 'never',
  state: key.state,
});
