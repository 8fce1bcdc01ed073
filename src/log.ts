import { pino, type Logger } from 'pino';

export type Log = Logger;

/** JSON lines on stderr. Payloads and secrets never get in: they are cut by path, whoever logs them. */
export function createLog(options: { level?: string | undefined; name?: string } = {}): Log {
  return pino(
    {
      name: options.name ?? 'lovage',
      level: options.level ?? 'info',
      redact: {
        paths: [
          'input',
          'output',
          'result',
          '*.input',
          '*.output',
          '*.result',
          'key',
          '*.key',
          '*.authorization',
          '*.password',
        ],
        censor: '[redacted]',
      },
    },
    pino.destination({ fd: 2, sync: false }),
  );
}
