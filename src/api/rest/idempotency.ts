import { z } from '@hono/zod-openapi';
import { LovageError } from '../../errors.ts';
import type { HttpContext } from '../context.ts';
import { idempotencyKey } from '../trpc/fields.ts';

const NAME = 'idempotency-key';

/** For routes whose request may be sent twice; to be read with `readIdempotencyKey`. */
export const idempotencyHeader = {
  [NAME]: idempotencyKey.optional().openapi({
    description:
      'Of the caller’s own choice. The same request under it again, within a day, makes nothing and is answered with what the first one made',
    example: '0197b6f0-invoice-42',
  }),
};

/** Response headers that tell a first answer from others. */
export const markHeaders = z.object({
  'Idempotency-Replayed': z
    .literal('true')
    .optional()
    .openapi({ description: 'The Idempotency-Key came before: this is what it stands for' }),
  'Lovage-Deduplicated': z
    .literal('true')
    .optional()
    .openapi({ description: 'Nothing was enqueued: this task, which was there before, does the same' }),
});

/** @throws validation where several came: none of them can be the one that is meant. */
export function readIdempotencyKey(c: HttpContext): string | undefined {
  const given = c.req.header(NAME);
  if (given !== undefined && (c.env.incoming.headersDistinct[NAME]?.length ?? 0) > 1) {
    const faults = [{ pointer: NAME, detail: 'comes more than once' }];
    throw new LovageError('validation', 'A request has one Idempotency-Key', { faults });
  }
  return given;
}

export function markAnswer(
  c: HttpContext,
  { replayed, deduplicated }: { replayed?: true | undefined; deduplicated?: true | undefined },
): void {
  if (replayed) c.header('Idempotency-Replayed', 'true');
  if (deduplicated) c.header('Lovage-Deduplicated', 'true');
}
