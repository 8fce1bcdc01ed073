import type { HttpContext } from '../context.ts';

/** What a request says before anybody knows who makes it, over HTTP and WebSocket alike. */
export interface Visit {
  /** Below the mount, as it was sent. */
  path: string;
  params: Record<string, string>;
  search: URLSearchParams;
  header: (name: string) => string | undefined;
}

export function visitOf(c: HttpContext, base: string, params: Record<string, string>): Visit {
  const { pathname, searchParams } = new URL(c.req.url);
  return {
    path: pathname.slice(base.length) || '/',
    params,
    search: searchParams,
    header: (name) => c.req.header(name),
  };
}
