import type { Progress } from '../../task.ts';

/** What a worker tells a child process that runs handlers for it. */
export type ToChild =
  | { type: 'open'; configFile: string; databaseUrl: string }
  | { type: 'run'; id: string; attempt: number; name: string; input: unknown }
  | { type: 'stop'; reason: { name: string; message: string } }
  | { type: 'close' };

/** What the child answers. One attempt runs in it at a time, so none of these names one. */
export type FromChild =
  | { type: 'ready'; tasks: string[] }
  | { type: 'progress'; progress: Progress }
  | { type: 'log'; message: string; data?: Record<string, unknown> }
  | { type: 'returned'; output: unknown }
  | { type: 'threw'; error: SentError };

/** An error on its way between processes: what is kept of it survives, with its causes. */
export interface SentError {
  name: string;
  message: string;
  stack?: string;
  code?: string;
  isDiscard: boolean;
  cause?: SentError;
}
