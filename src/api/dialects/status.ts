import type { DialectReply, StatusRoute } from '../../dialect.ts';
import { contextOf, type HttpContext } from '../context.ts';
import type { DialectParts } from './parts.ts';
import { getOwnTask } from './own-task.ts';

export function answerStatus(route: StatusRoute, { parts, router, view, names }: DialectParts) {
  return async (c: HttpContext): Promise<DialectReply> => {
    const procedures = router.createCaller(contextOf(parts, c));
    return route.reply(view(await getOwnTask(procedures, names, c.req.param('id') ?? '')));
  };
}
