import { SCOPES, type RateLimit, type Scope } from '../wire.ts';
import type { KeyView, NewKeyView } from '../wire/key.ts';
import { keyWord } from '../api/trpc/key-fields.ts';
import { UsageError } from './command.ts';
import { relative } from './duration.ts';
import { EXIT, Failure } from './failure.ts';
import type { Operations } from './operations.ts';
import { allPages } from './print.ts';

export const MAX_GRACE_MS = 30 * 24 * 3_600_000;
const UNITS_MS: Record<string, number> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const MAX_PERIOD_MS = 86_400_000;
const MAX_RATE = 10_000_000;

interface KeyValues {
  scopes: string | undefined;
  tenant: string | undefined;
  priority: string | undefined;
  rate: string | undefined;
  expires: string | undefined;
}

/** @throws UsageError naming the option that makes no sense. */
export const readNewKey = (name: string, values: KeyValues) => ({
  name: readWord(name, 'the name'),
  ...(values.scopes !== undefined && { scopes: readScopes(values.scopes) }),
  ...(values.tenant !== undefined && { tenant: readWord(values.tenant, '--tenant') }),
  ...(values.priority !== undefined && { priority: readPriority(values.priority) }),
  ...(values.rate !== undefined && { rate: readRate(values.rate, '--rate') }),
  ...(values.expires !== undefined && { expiresAt: readTime(values.expires) }),
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

export function readPriority(text: string): number {
  const priority = Number(text);
  if (/^-?\d+$/.test(text) && Math.abs(priority) <= 1_000) return priority;
  throw new UsageError(`--priority must be a whole number from -1000 to 1000, got "${text}"`);
}

/** `100/60s`, `100/s`, `5000/1h`. */
export function readRate(text: string, flag: string): RateLimit {
  const [, count = '', many = '1', unit = ''] = /^(\d{1,8})\/(\d{1,5})?([smhd])$/.exec(text) ?? [];
  const rate = { limit: Number(count), periodMs: Number(many) * (UNITS_MS[unit] ?? 0) };
  const isSound =
    rate.limit >= 1 && rate.limit <= MAX_RATE && rate.periodMs > 0 && rate.periodMs <= MAX_PERIOD_MS;
  if (isSound) return rate;
  throw new UsageError(`${flag}: "${text}" is no rate such as 100/60s, of a period up to a day`);
}

export function readTime(text: string): string {
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
  created: relative(key.createdAt),
  used: key.lastUsedAt === null ? 'never' : relative(key.lastUsedAt),
  state: key.state,
});

export const listKeys = (call: Operations['call']) =>
  allPages((cursor) => call.keys.list.query({ limit: 200, ...(cursor !== undefined && { cursor }) }));

/** The live keys of an id or of the prefix that people know them by. */
export async function findKeys(call: Operations['call'], word: string): Promise<KeyView[]> {
  const { items } = await listKeys(call);
  const found = items.filter(({ id, prefix, state }) => state === 'live' && (id === word || prefix === word));
  if (found.length > 0) return found;
  throw new Failure(`no live key has the id or prefix "${word}"; lovage keys lists them`, EXIT.notThere);
}

export const announceKey = ({ key, name, scopes }: NewKeyView): string =>
  `${key}\n\nThis is the only time the key is shown. It is "${name}", with scopes ${scopes.join(', ')}.`;

/** What to do with keys that nobody could read. */
export const remedyFor = (keys: readonly NewKeyView[]): string =>
  `${keys.map(({ prefix }) => `lovage keys rotate ${prefix}`).join(', ')} puts another in its place`;
