import { connect } from '../../../db/connect.ts';
import { loadConfig } from '../../../load-config.ts';
import { createLog } from '../../../log.ts';
import type { Settlement } from '../../../queue/settle.ts';
import { createSecret } from '../../../secret.ts';
import { remakeReason } from '../../../stop-reasons.ts';
import { openVaults } from '../../../vault.ts';
import type { FromChild, ToChild } from '../messages.ts';
import { packError } from '../send-error.ts';
import { HandlerRun, type HandlerHome } from './handler-run.ts';
import { endWithParent } from './parent-watch.ts';

/** The program of a child process: loads the configuration once, then runs one attempt at a time for its worker. */
const MEMORY_EVERY_MS = 2_000;

let home: HandlerHome | undefined;
let current: HandlerRun | undefined;

// A worker that is gone says so by the end of the channel.
const tell = (message: FromChild): void =>
  void process.send?.(message, undefined, undefined, () => undefined);
const rssBytes = (): number => process.memoryUsage.rss();
const failed = (error: unknown): void =>
  tell({ type: 'threw', error: packError(error), rssBytes: rssBytes() });

async function open({
  configFile,
  databaseUrl,
  prepares,
  secret,
  watchesMemory,
}: Asked<'open'>): Promise<void> {
  const config = await loadConfig(configFile);
  const { tasks } = config;
  const log = createLog({ level: process.env['LOVAGE_LOG_LEVEL'] });
  const database = { url: databaseUrl, prepares, log, applicationName: 'lovage child' };
  home = {
    tasks,
    vaults: openVaults(config, createSecret(secret)),
    db: connect({ ...database, max: 2 }).db,
    // Of its own, since a handler may have kept the others. It connects when it is first used.
    settlePool: connect({ ...database, max: 1 }).pool,
    log,
    tell,
  };
  tell({ type: 'ready', tasks: [...tasks.keys()], rssBytes: rssBytes() });
  if (watchesMemory) setInterval(sayMemory, MEMORY_EVERY_MS).unref();
}

function sayMemory(): void {
  if (!current?.isRunning) tell({ type: 'memory', rssBytes: rssBytes() });
}

async function run(message: Asked<'run'>): Promise<void> {
  try {
    if (!home) throw new Error('a child process was asked to run a task before it was ready');
    current = new HandlerRun(message, home);
    const returned = await current.finish();
    tell({ type: 'returned', ...returned, rssBytes: rssBytes() });
  } catch (error) {
    failed(error);
  }
}

async function settle({ settlement, ...by }: Asked<'settle'>): Promise<void> {
  try {
    const state = (await current?.settle(JSON.parse(settlement) as Settlement, by)) ?? null;
    tell({ type: 'settled', state, rssBytes: rssBytes() });
  } catch (error) {
    failed(error);
  }
}

type Asked<Type extends ToChild['type']> = Extract<ToChild, { type: Type }>;

process.on('message', (message: ToChild) => {
  switch (message.type) {
    case 'open':
      return void open(message).catch((error: unknown) => {
        failed(error);
        process.exitCode = 1;
        process.disconnect();
      });
    case 'run':
      return void run(message);
    case 'stop':
      return current?.stop(remakeReason(message.reason.name, message.reason.message));
    case 'settle':
      return void settle(message);
    case 'close':
      return process.disconnect();
  }
});
endWithParent();
// The worker is gone, or wants it gone: nobody would settle what still runs.
process.on('disconnect', () => process.exit());
// A terminal sends these to the whole group; when to end is the worker's decision.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => undefined);
