import { connect, type Connection } from '../../db/connect.ts';
import type { Config } from '../../config.ts';
import { loadConfig } from '../../load-config.ts';
import { createLog } from '../../log.ts';
import { roundProgress } from '../round-progress.ts';
import { storableData } from '../storable-data.ts';
import type { FromChild, ToChild } from './messages.ts';
import { endWithParent } from './parent-watch.ts';
import { packError } from './send-error.ts';

/** The program of a child process: loads the configuration once, then runs one attempt at a time for its worker. */
let config: Config | undefined;
let connection: Connection | undefined;
let controller = new AbortController();

// A worker that is gone says so by the end of the channel.
const tell = (message: FromChild): void =>
  void process.send?.(message, undefined, undefined, () => undefined);

async function open({ configFile, databaseUrl }: Extract<ToChild, { type: 'open' }>): Promise<void> {
  config = await loadConfig(configFile);
  connection = connect({
    url: databaseUrl,
    log: createLog({ level: process.env['LOVAGE_LOG_LEVEL'] }),
    max: 2,
    applicationName: 'lovage child',
  });
  tell({ type: 'ready', tasks: [...config.tasks.keys()] });
}

async function run({ id, attempt, name, input }: Extract<ToChild, { type: 'run' }>): Promise<void> {
  controller = new AbortController();
  try {
    const definition = config?.tasks.get(name);
    if (!definition || !connection) throw new Error(`the child process does not know the task "${name}"`);
    const output: unknown = await definition.run({
      input,
      id,
      attempt,
      signal: controller.signal,
      db: connection.db,
      onSettle: () => undefined,
      progress: (progress) => tell({ type: 'progress', progress: roundProgress(progress) }),
      log: (message, data) =>
        tell({ type: 'log', message, ...(data === undefined ? {} : { data: storableData(data) }) }),
    });
    tell({ type: 'returned', output });
  } catch (error) {
    tell({ type: 'threw', error: packError(error) });
  }
}

function stop({ reason }: Extract<ToChild, { type: 'stop' }>): void {
  controller.abort(Object.assign(new Error(reason.message), { name: reason.name }));
}

process.on('message', (message: ToChild) => {
  if (message.type === 'run') void run(message);
  else if (message.type === 'stop') stop(message);
  else if (message.type === 'close') process.disconnect();
  else
    open(message).catch((error: unknown) => {
      tell({ type: 'threw', error: packError(error) });
      process.exitCode = 1;
      process.disconnect();
    });
});
endWithParent();
// The worker is gone, or wants it gone: nobody would settle what still runs.
process.on('disconnect', () => process.exit());
// A terminal sends these to the whole group; when to end is the worker's decision.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => undefined);
