/** A service's base URL with a path appended, whether or not the base ends in a slash. */
export function withPath(base: string, path: string): URL {
  const url = new URL(base);
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/${path}`;
  return url;
}
