import { Hono } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { ERROR_CODES } from '../../errors.ts';
import type { Dialect, DialectReply, DialectRoute } from '../../dialect.ts';
import type { Pack } from '../../pack.ts';
import type { ApiParts, HttpContext, HttpEnv } from '../context.ts';
import { requireKey } from '../identify.ts';
import type { ErrorStyle } from '../respond.ts';
import type { Router } from '../trpc/router.ts';
import { answerCancel } from './cancel.ts';
import { answerStatus } from './status.ts';
import { answerSubmit } from './submit.ts';
import type { DialectParts } from './parts.ts';
import { createView } from './view.ts';

export type DialectPack = Pack & { dialect: Dialect };

/** A pack's routes, relative to where they are mounted. */
export function createDialect(
  parts: ApiParts,
  router: Router,
  { tasks, dialect }: DialectPack,
): Hono<HttpEnv> {
  const app = new Hono<HttpEnv>();
  const view = createView(dialect);
  const names: ReadonlySet<string> = new Set(tasks.map(({ name }) => name));
  for (const route of dialect.routes) {
    const path = route.path.replaceAll(/\{(\w+)\}/g, ':$1');
    const answer = answerFor(route, { parts, router, view, names });
    const guards = isOpen(route) ? [] : [requireKey(parts, dialect.keyHeader)];
    app.on(route.method.toUpperCase(), [path], ...guards, async (c) => toResponse(c, await answer(c)));
  }
  return app;
}

type Answer = (c: HttpContext) => Promise<DialectReply>;

function answerFor(route: DialectRoute, shared: DialectParts): Answer {
  switch (route.kind) {
    case 'submit':
      return answerSubmit(route, shared);
    case 'status':
      return answerStatus(route, shared);
    case 'cancel':
      return answerCancel(route, shared);
    case 'static':
      return async () => route.reply({ ready: await shared.parts.isReady() });
  }
}

const isOpen = (route: DialectRoute): boolean => route.kind === 'static' && route.needsKey !== true;

const toResponse = (c: HttpContext, { status, body }: DialectReply): Response =>
  c.json(body, status as ContentfulStatusCode);

/** Errors under the dialect's prefix in its own words, where it has any. */
export function dialectErrors({ prefix, error: render }: Dialect): ErrorStyle[] {
  if (render === undefined) return [];
  return [
    {
      prefix,
      render: ({ code, message, faults }) => ({
        ...render({ status: ERROR_CODES[code].status, code, message, faults }),
        contentType: 'application/json',
      }),
    },
  ];
}
