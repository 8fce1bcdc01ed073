const QUERY = 'Q'.charCodeAt(0);
const PARSE = 'P'.charCodeAt(0);
const BIND = 'B'.charCodeAt(0);

/**
 * Reads what a client sends to Postgres (its frontend protocol, chunk by chunk) and tells each statement's text: a simple
 * query, or a bound prepared statement, which is one whether or not it was parsed along with it.
 */
export function readStatements(found: (text: string) => void): (chunk: Buffer) => void {
  const prepared = new Map<string, string>();
  let pending: Buffer = Buffer.alloc(0);
  let hasStarted = false;

  return (chunk) => {
    pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
    for (;;) {
      // The first message has no type, only its length.
      const head = hasStarted ? 1 : 0;
      if (pending.length < head + 4) return;
      const end = head + pending.readInt32BE(head);
      if (pending.length < end) return;
      const type = hasStarted ? pending[0] : undefined;
      const body = pending.subarray(head + 4, end);
      pending = pending.subarray(end);
      hasStarted = true;

      if (type === QUERY) found(texts(body, 1)[0] ?? '');
      if (type === PARSE) {
        const [name = '', text = ''] = texts(body, 2);
        prepared.set(name, text);
      }
      if (type === BIND) found(prepared.get(texts(body, 2)[1] ?? '') ?? 'an unknown prepared statement');
    }
  };
}

/** The zero-terminated texts that a message begins with. */
function texts(body: Buffer, count: number): string[] {
  const found: string[] = [];
  for (let at = 0; found.length < count && at < body.length;) {
    const end = body.indexOf(0, at);
    found.push(body.toString('utf8', at, end));
    at = end + 1;
  }
  return found;
}
