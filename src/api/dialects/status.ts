import type { DialectReply, DialectRequest, StatusRoute } from '../../dialect.ts';
import type { HttpContext } from '../context.ts';
import { requireScope } from '../trpc/procedures.ts';
import { getOwnTask, listOwnChildren } from './own-task.ts';
import type { DialectParts } from './parts.ts';
import { viewIn } from './view.ts';

export function answerStatus(route: StatusRoute, shared: DialectParts) {
  const { lovage } = shared.parts;
  const names = route.task ? new Set([route.task.name]) : shared.names;
  return async (c: HttpContext, request: DialectRequest): Promise<DialectReply> => {
    const { caller, patience } = c.var;
    requireScope(caller, 'read');
    const id = request.params['id'] ?? '';
    const task = await patience.spend(getOwnTask({ ...shared, names }, caller, id));
    const children = route.withChildren ? await patience.spend(listOwnChildren(lovage, caller, task.id)) : [];
    return route.reply(
      viewIn(shared, request, task),
      children.map((child) => viewIn(shared, request, child)),
    );
  };
}
