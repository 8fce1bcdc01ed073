import { Hono } from 'hono';
import type { DialectReply, DialectRequest, DialectRoute } from '../../dialect.ts';
import { LovageError } from '../../errors.ts';
import type { HttpContext, HttpEnv } from '../context.ts';
import { requireCaller } from '../identify.ts';
import { answerCancel } from './cancel.ts';
import { accessOf, createIdentification } from './identify-visitor.ts';
import type { DialectParts } from './parts.ts';
import { compilePath, type RoutePath } from './path.ts';
import { sendReply } from './reply.ts';
import { createRequest } from './request.ts';
import { answerResource } from './resource.ts';
import { answerSocket } from './socket.ts';
import { answerStatus } from './status.ts';
import { answerSubmit } from './submit.ts';
import { type Visit, visitOf } from './visit.ts';

/** A pack's routes, with the base of their mount before each path. */
export function createDialect(shared: DialectParts): Hono<HttpEnv> {
  const app = new Hono<HttpEnv>();
  for (const route of shared.pack.dialect.routes) {
    for (const path of [route.path, ...(route.aliases ?? [])])
      mountRoute(app, shared, route, compilePath(path));
  }
  return app;
}

type Answer = (c: HttpContext, request: DialectRequest) => Promise<DialectReply>;

function mountRoute(app: Hono<HttpEnv>, shared: DialectParts, route: DialectRoute, path: RoutePath): void {
  const { base } = shared;
  const visit = (c: HttpContext): Visit => {
    const params = path.read(c.req.path.slice(base.length) || '/');
    if (!params) throw new LovageError('not-found', `There is nothing at ${c.req.path}`);
    return visitOf(c, base, params);
  };
  const method = route.method.toUpperCase();
  // Old clients ask for the root by the address that they are given, with a slash behind it or without.
  const patterns = path.pattern === '/' && base !== '' ? [base, `${base}/`] : [`${base}${path.pattern}`];
  if (route.kind === 'static' && accessOf(route) === 'open') {
    // A health check must be answered whatever key comes with it, and also without Postgres.
    app.on(method, patterns, async (c) => sendReply(c, route.reply({ ready: await shared.parts.isReady() })));
    return;
  }
  const answer = answerFor(route, shared);
  const identify = createIdentification(shared, route);
  const guard = requireCaller(shared.parts, async (c) => {
    const visitor = await identify(visit(c));
    c.set('linkEndsAt', visitor.linkEndsAt);
    return visitor;
  });
  app.on(method, patterns, guard, async (c) => {
    const request = createRequest(shared, visit(c), { caller: c.var.caller, signal: c.req.raw.signal });
    return sendReply(c, await answer(c, request));
  });
}

function answerFor(route: DialectRoute, shared: DialectParts): Answer {
  switch (route.kind) {
    case 'submit':
      return answerSubmit(route, shared);
    case 'status':
      return answerStatus(route, shared);
    case 'cancel':
      return answerCancel(route, shared);
    case 'resource':
      return answerResource(route, shared);
    case 'socket':
      return answerSocket(route);
    case 'static':
      return async () => route.reply({ ready: await shared.parts.isReady() });
  }
}
