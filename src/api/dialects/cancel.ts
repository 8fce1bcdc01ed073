import type { CancelRoute, DialectReply } from '../../dialect.ts';
import { contextOf, type HttpContext } from '../context.ts';
import { requireScope } from '../trpc/procedures.ts';
import type { DialectParts } from './parts.ts';
import { getOwnTask } from './own-task.ts';

export function answerCancel(route: CancelRoute, { parts, router, view, names }: DialectParts) {
  return async (c: HttpContext): Promise<DialectReply> => {
    requireScope(c.var.caller, 'cancel');
    const procedures = router.createCaller(contextOf(parts, c));
    const { id } = await getOwnTask(procedures, names, c.req.param('id') ?? '');
    const { task, outcome } = await procedures.tasks.cancel({ id });
    return route.reply(view(task), outcome);
  };
}
