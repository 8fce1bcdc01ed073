/** A path of a dialect, such as `/decks/{name}.apkg`, as the router takes it and as it is read. */
export interface RoutePath {
  /** In Hono's words. */
  pattern: string;
  /** What stands in its places; undefined where the path is another one, or holds NUL, by which nothing is called. */
  read(path: string): Record<string, string> | undefined;
}

export function compilePath(path: string): RoutePath {
  const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name);
  const source = escape(path).replaceAll(/\\\{\w+\\\}/g, '([^/]+)');
  const expression = new RegExp(`^${source}$`);
  return {
    pattern: path
      .split('/')
      .map((part) => patternOf(part))
      .join('/'),
    read(given) {
      const found = expression.exec(given);
      const values = found?.slice(1).map(decode);
      if (!values || values.some((value) => value.includes('\0'))) return undefined;
      return Object.fromEntries(names.map((name, index) => [name, values[index] ?? '']));
    },
  };
}

/** A place fills a part of the path alone, or stands beside letters: then the part is told by an expression. */
function patternOf(part: string): string {
  const [, before = '', name, after = ''] = /^([^{]*)\{(\w+)\}(.*)$/.exec(part) ?? [];
  if (name === undefined) return part;
  if (before === '' && after === '') return `:${name}`;
  return `:${name}{${escape(before)}[^/]+${escape(after).replaceAll(/\\\{\w+\\\}/g, '[^/]+')}}`;
}

const escape = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
