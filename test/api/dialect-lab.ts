import type { Mount } from '../../src/config.ts';
import { shop } from '../fixtures/shop/config.ts';
import {
  call,
  openHttpLab,
  serve,
  type Answer,
  type CallOptions,
  type HttpLab,
  type Server,
} from './http-lab.ts';

export const SHOP_CONFIG = new URL('../fixtures/shop/config.ts', import.meta.url).pathname;

/** Whatever the routes of the shop answer. */
export type ShopBody = Record<string, string | number | null | string[] | string[][]> & {
  id: string;
  url: string;
};
export type ShopAnswer = Omit<Answer, 'body'> & { body: ShopBody };

export interface Shop extends AsyncDisposable {
  http: HttpLab;
  /** At a port of its own. */
  own: string;
  /** Under the prefix, held to what the document says; `/` is the prefix itself. */
  call(method: string, path: string, options?: CallOptions): Promise<ShopAnswer>;
  /** At its own port. */
  callOwn(method: string, path: string, options?: CallOptions): Promise<ShopAnswer>;
}

/** A server whose shop answers under its prefix and at a port of its own. */
export async function openShop(mount: Mount = {}): Promise<Shop> {
  const http = await openHttpLab(SHOP_CONFIG);
  const mounted = await serveShop(http, { port: 0, ...mount });
  return {
    ...mounted,
    http,
    async [Symbol.asyncDispose]() {
      await mounted[Symbol.asyncDispose]();
      await http[Symbol.asyncDispose]();
    },
  };
}

/** One more server on the same database. */
export async function serveShop(
  { lovage }: HttpLab,
  mount: Mount,
  options: Parameters<typeof serve>[3] = {},
): Promise<Pick<Shop, 'own' | 'call' | 'callOwn'> & AsyncDisposable & { server: Server }> {
  const mounts = new Map([[shop.name, mount]]);
  const server = await serve(lovage.url, undefined, lovage.config, { mounts, ...options });
  const [, own = ''] = server.api.dialects['shop'] ?? [];
  return {
    server,
    own,
    call: (method, path, more) =>
      server.call(
        method,
        path === '/' ? '/shop' : `/shop${path}`,
        more,
      ) as Promise<unknown> as Promise<ShopAnswer>,
    callOwn: (method, path, more) =>
      call(`${own}${path}`, method, more) as Promise<unknown> as Promise<ShopAnswer>,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}
