import { pino, type Logger } from 'pino';
import { redactSecrets } from './redact.ts';

export type Log = Logger;

/** JSON lines on stderr. Payloads and secrets never get in: they are cut by path, whoever logs them. */
export function createLog(options: { level?: string | undefined; name?: string } = {}): Log {
  return pino(
    {
      name: options.name ?? 'lovage',
      level: options.level ?? 'info',
      serializers: { err: describe },
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

/** What helps to understand an error. pg hangs the whole client on its errors, parameters of the connection included. */
function describe(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const { code, detail, hint, where, constraint } = error as Error & Record<string, unknown>;
  return {
    type: error.name,
    message: redactSecrets(error.message),
    stack: redactSecrets(error.stack ?? ''),
    ...Object.fromEntries(
      Object.entries({ code, detail, hint, where, constraint }).filter(([, value]) => value !== undefined),
    ),
    ...(error.cause === undefined ? {} : { cause: describe(error.cause) }),
  };
}
