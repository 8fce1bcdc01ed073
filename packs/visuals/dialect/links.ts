import type { DialectRequest } from 'lovage';
import { readEnvironment } from '../environment.ts';

const MINUTE_MS = 60_000;

/** `sign(path)` with the time that links of this pack are good for. */
export const signPath = ({ sign }: Pick<DialectRequest, 'sign'>, path: string): string =>
  sign(path, { expiresInMs: readEnvironment().VISUALS_LINK_MINUTES * MINUTE_MS });

/** Results hold paths below the mount; here each `…_url` becomes a link that opens it for a while. */
export function signLinks<Value>(request: Pick<DialectRequest, 'sign'>, value: Value): Value {
  return sign(value) as Value;

  function sign(part: unknown, name = ''): unknown {
    if (Array.isArray(part)) return part.map((item) => sign(item));
    if (typeof part === 'object' && part !== null) {
      return Object.fromEntries(Object.entries(part).map(([key, item]) => [key, sign(item, key)]));
    }
    const isPath = typeof part === 'string' && name.endsWith('_url') && part.startsWith('/api/');
    return isPath ? signPath(request, part) : part;
  }
}
