import type { CancelRoute, DialectReply, DialectRequest } from '../../dialect.ts';
import { contextOf, type HttpContext } from '../context.ts';
import { requireScope } from '../trpc/procedures.ts';
import { getOwnTask } from './own-task.ts';
import type { DialectParts } from './parts.ts';
import { viewIn } from './view.ts';

export function answerCancel(route: CancelRoute, shared: DialectParts) {
  const { parts, router } = shared;
  return async (c: HttpContext, request: DialectRequest): Promise<DialectReply> => {
    const { caller, patience } = c.var;
    requireScope(caller, 'cancel');
    const own = getOwnTask(shared, caller, request.params['id'] ?? '');
    const { id } = await patience.spend(own);
    const { task, outcome } = await router.createCaller(contextOf(parts, c)).tasks.cancel({ id });
    return route.reply(viewIn(shared, request, task), outcome);
  };
}
