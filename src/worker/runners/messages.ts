import type { StopReason } from '../../stop-reasons.ts';
import type { Progress } from '../../task.ts';
import type { SentError } from './send-error.ts';

/** What a worker tells a child process that runs handlers for it. */
export type ToChild =
  | {
      type: 'open';
      configFile: string;
      databaseUrl: string;
      prepares: boolean | undefined;
      secret: string | undefined;
      watchesMemory: boolean;
    }
  | {
      type: 'run';
      id: string;
      attempt: number;
      tenant: string;
      queue: string;
      name: string;
      input: unknown;
      /** Of this attempt. */
      trace: string | undefined;
      requestId: string | null;
    }
  | { type: 'stop'; reason: { name: StopReason['name']; message: string } }
  /** Record the success of what has just returned, together with its handler's own writes. */
  | { type: 'settle'; settlement: string; workerId: string; limitMs: number }
  | { type: 'close' };

/** What the child answers. One attempt runs in it at a time, so none of these names one. */
export type FromChild =
  | { type: 'ready'; tasks: string[]; rssBytes: number }
  /** The handler is about to be called. */
  | { type: 'began' }
  | { type: 'progress'; progress: Progress }
  | { type: 'log'; message: string; data?: Record<string, unknown> }
  /** `output` as v8.serialize() wrote it: what cannot be read again then spoils no channel. */
  | { type: 'returned'; output: Uint8Array; hasWrites: boolean; rssBytes: number }
  | { type: 'threw'; error: SentError; rssBytes: number }
  | { type: 'settled'; state: string | null; rssBytes: number }
  /** Said now and then by an idle child whose memory is limited. */
  | { type: 'memory'; rssBytes: number };
