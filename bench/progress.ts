/** Says on stderr what is going on, so that stdout holds the report alone. */
export interface Progress {
  say(what: string): void;
  clear(): void;
}

export function showProgress(stream: NodeJS.WriteStream): Progress {
  const startedAt = performance.now();
  const clear = () => {
    if (stream.isTTY) stream.write('\r\x1b[K');
  };
  return {
    clear,
    say(what) {
      const seconds = ((performance.now() - startedAt) / 1000).toFixed(0).padStart(4);
      clear();
      stream.write(`${seconds} s  ${what}${stream.isTTY ? '' : '\n'}`);
    },
  };
}
