/** One Ctrl-C reaches a process twice within a millisecond: from the terminal and from npm. */
const SAME_SIGNAL_MS = 500;
const FORCED_EXIT_CODE = 130;

/** Resolves at the first SIGINT or SIGTERM; a second one, meant as such, ends the process at once. */
export function firstSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let firstAt: number | undefined;
    const onSignal = (signal: NodeJS.Signals): void => {
      if (firstAt === undefined) {
        firstAt = performance.now();
        resolve(signal);
      } else if (performance.now() - firstAt > SAME_SIGNAL_MS) {
        console.error('lovage: second signal, leaving at once');
        process.exit(FORCED_EXIT_CODE);
      }
    };
    process.on('SIGINT', onSignal);
    process.on('SIGTERM', onSignal);
  });
}
