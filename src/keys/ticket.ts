import { LovageError } from '../errors.ts';
import type { Lovage } from '../lovage.ts';
import type { Caller } from '../wire.ts';
import type { StreamTicket } from '../wire/streams.ts';

/** Long enough to open a stream with, too short to be worth stealing from a log of URLs. */
const TICKET_MS = 60_000;
const PURPOSE = 'stream-ticket';

/**
 * What stands in for a key where headers cannot be sent: it opens streams of this caller's tasks and nothing else.
 * @throws not-configured without LOVAGE_SECRET.
 */
export function issueTicket(
  { secret }: Pick<Lovage, 'secret'>,
  { tenant, actor, key }: Pick<Caller, 'tenant' | 'actor' | 'key'>,
  now = Date.now(),
): StreamTicket {
  const expires = now + TICKET_MS;
  const body = Buffer.from(JSON.stringify([tenant, actor, expires, key?.id ?? null])).toString('base64url');
  return {
    ticket: `${body}.${secret.sign(PURPOSE, body)}`,
    expiresAt: new Date(expires).toISOString(),
  };
}

/** Whom a ticket stands for. @throws unauthorized when it is forged or its time is over. */
export function readTicket({ secret }: Pick<Lovage, 'secret'>, ticket: string, now = Date.now()): Caller {
  const [body = '', signature = '', ...more] = ticket.split('.');
  if (more.length > 0 || !secret.isSignedBy(PURPOSE, body, signature)) throw refusal();
  const [tenant, actor, expires, keyId] = JSON.parse(Buffer.from(body, 'base64url').toString()) as [
    string,
    string,
    number,
    string | null,
  ];
  if (expires <= now) throw refusal();
  const key = keyId === null ? undefined : { id: keyId, rate: null };
  return { tenant, actor, scopes: new Set(['read']), isTicket: true, ...(key && { key }) };
}

const refusal = (): LovageError =>
  new LovageError(
    'unauthorized',
    'This stream ticket is none of ours, or its minute is over: ask for a new one',
  );
