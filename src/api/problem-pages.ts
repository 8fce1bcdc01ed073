import type { Hono } from 'hono';
import { ERROR_CODES, type ErrorCode, LovageError } from '../errors.ts';
import type { HttpEnv } from './context.ts';
import { problemUri } from './problem.ts';

/** What the `type` of a problem leads to. */
export function mountProblemPages(app: Hono<HttpEnv>): void {
  app.get('/problems/:code', (c) => {
    const code = c.req.param('code');
    if (!isErrorCode(code)) throw new LovageError('not-found', `No problem is called "${code}"`);
    const { status, title } = ERROR_CODES[code];
    if (!c.req.header('accept')?.includes('text/html')) {
      return c.json({ type: problemUri(code), status, title });
    }
    return c.html(
      `<!doctype html><html lang="en"><meta charset="utf-8"><title>${code}</title><h1>${title}</h1><p>HTTP ${status}, <code>${problemUri(code)}</code></p></html>`,
    );
  });
}

const isErrorCode = (text: string): text is ErrorCode => Object.hasOwn(ERROR_CODES, text);
