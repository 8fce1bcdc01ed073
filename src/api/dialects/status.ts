import type { DialectReply, DialectRequest, StatusRoute } from '../../dialect.ts';
import type { HttpContext } from '../context.ts';
import { requireScope } from '../trpc/procedures.ts';
import { getOwnFamily } from './own-task.ts';
import type { DialectParts } from './parts.ts';
import { viewIn } from './view.ts';

export function answerStatus(route: StatusRoute, shared: DialectParts) {
  const names = route.task ? new Set([route.task.name]) : shared.names;
  return async (c: HttpContext, request: DialectRequest): Promise<DialectReply> => {
    const { caller, patience } = c.var;
    requireScope(caller, 'read');
    const asked = { id: request.params['id'] ?? '', withChildren: route.withChildren ?? false };
    const [task, ...children] = await patience.spend(getOwnFamily({ ...shared, names }, caller, asked));
    return route.reply(
      viewIn(shared, request, task),
      children.map((child) => viewIn(shared, request, child)),
    );
  };
}
