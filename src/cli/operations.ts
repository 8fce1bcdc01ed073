import { userInfo } from 'node:os';
import { createTRPCClient, localLink, type TRPCClient } from '@trpc/client';
import { Patience } from '../api/patience.ts';
import { createRouter } from '../api/trpc/router.ts';
import type { AppRouter } from '../api/trpc/types.ts';
import { createClient } from '../client/index.ts';
import { type TaskUpdate, watchTask as watchOverApi } from '../client/watch.ts';
import { SetupError } from '../errors.ts';
import type { Lovage } from '../lovage.ts';
import { readSettings } from '../settings/settings.ts';
import { watchTask } from '../tasks/watch.ts';
import { type Caller, DEFAULT_TENANT, SCOPES } from '../wire.ts';
import { UsageError } from './command.ts';
import { toFailure } from './failure.ts';
import { withDatabase } from './with-database.ts';

/** The procedures of the API, called over HTTP or in this process: commands cannot tell which. */
export interface Operations {
  call: TRPCClient<AppRouter>;
  /** Its history after an event, then what happens to it; the task itself in the end. */
  watch(id: string, options?: { after?: number; signal?: AbortSignal }): AsyncGenerator<TaskUpdate, void>;
  /** Where it goes without the API. */
  database: Lovage | undefined;
}

/** As a worker writes it: what it did not say is not there. */
interface Progress {
  current: number;
  total?: number | null;
  message?: string | null;
}

const PATIENCE_MS = 60_000;

/** The API of `--url` or `LOVAGE_URL`, with the key of `LOVAGE_API_KEY`; without either the database itself. */
export async function withOperations(
  { url: given }: { url?: string | undefined },
  work: (operations: Operations) => Promise<number>,
): Promise<number> {
  const { apiUrl, apiKey } = readSettings();
  const url = given ?? apiUrl;
  try {
    if (url === undefined) {
      return await withDatabase((lovage) => work(overDatabase(lovage)));
    }
    if (!/^https?:\/\//.test(url) || !URL.canParse(url))
      throw new UsageError('--url: must begin with http:// or https://');
    if (apiKey === undefined) {
      throw new SetupError(
        'LOVAGE_API_KEY is not set: the API asks for a key (lovage keys create NAME makes one)',
      );
    }
    return await work(overApi(url, apiKey));
  } catch (error) {
    throw toFailure(error, url);
  }
}

const overApi = (url: string, apiKey: string): Operations => ({
  call: createClient({ url, apiKey }).trpc,
  watch: (id, options) => watchOverApi({ url, apiKey }, id, options),
  database: undefined,
});

/** What the command line does, it does as `cli:<user>` and for the tenant `default`; keys it makes for any. */
export const callerOf = (user: string): Caller => ({
  actor: `cli:${user}`,
  tenant: DEFAULT_TENANT,
  scopes: new Set(SCOPES),
  isOperator: true,
});

function overDatabase(lovage: Lovage): Operations {
  const caller = callerOf(userInfo().username);
  const router = createRouter(lovage.config);
  const open = new AbortController().signal;
  const link = localLink({
    router,
    createContext: async () => ({
      lovage,
      caller,
      requestId: 'cli',
      patience: new Patience(PATIENCE_MS),
      signal: open,
      closing: open,
      suspicion: { text: true, depth: true },
    }),
  });
  return {
    // The typed client's router is the same one, with names that hold dots as nested ones.
    call: createTRPCClient<AppRouter>({ links: [link] }),
    watch: (id, options) => watchInDatabase(lovage, caller, id, options),
    database: lovage,
  };
}

async function* watchInDatabase(
  lovage: Lovage,
  caller: Caller,
  id: string,
  { after = 0, signal = new AbortController().signal }: { after?: number; signal?: AbortSignal } = {},
): AsyncGenerator<TaskUpdate, void> {
  const frames = await watchTask(lovage, caller, id, { lastEventId: String(after), signal });
  for await (const { data } of frames) {
    if (data.kind === 'end') yield { type: 'end', task: data.task };
    if (data.kind !== 'event') continue;
    const { number, ...event } = data.event;
    if (event.type === 'progress') {
      const { current, total, message } = event.data as unknown as Progress;
      yield {
        type: 'progress',
        progress: { current, total: total ?? null, message: message ?? null },
        attempt: event.attempt,
      };
    } else if (number !== null) yield { type: 'event', event: { ...event, number } };
  }
}
