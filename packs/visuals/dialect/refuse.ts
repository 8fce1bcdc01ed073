import { eq } from 'drizzle-orm';
import type { PgColumn, PgTable } from 'drizzle-orm/pg-core';
import type { DialectReply, DialectRequest, Rendered } from 'lovage';
import { z } from 'zod';

const refusal = (status: number, detail: string): DialectReply => ({ status, body: { detail } });

export const refuseUnknown = (noun: string): DialectReply => refusal(404, `${noun} not found`);

/** For an id that the caller has nothing of: 403 where it is another's, else 404. */
export async function refuseMissing(
  { db }: Pick<DialectRequest, 'db'>,
  table: PgTable & { id: PgColumn },
  { id, noun }: { id: string; noun: string },
): Promise<DialectReply> {
  if (!z.guid().safeParse(id).success) return refuseUnknown(noun);
  const others = await db.select({ id: table.id }).from(table).where(eq(table.id, id));
  return others.length > 0
    ? refusal(403, `This ${noun.toLowerCase()} belongs to somebody else`)
    : refuseUnknown(noun);
}

/** Codes of Lovage itself; all others are what a task said is wrong with its input or its services. */
const OWN_CODES = /^(handler_error|time_limit|crashed|output_invalid|input_invalid)$/;

/** The answer for a task that was waited for and did not succeed. */
export function refuseFailed({ task, state }: Rendered): DialectReply {
  const { error } = task;
  if (!error) return refusal(409, `The task is ${state}`);
  if (error.code.endsWith('NotFound')) return refusal(404, error.message);
  return refusal(OWN_CODES.test(error.code) ? 500 : 400, error.message);
}
