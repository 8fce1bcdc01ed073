import { EventEmitter } from 'node:events';
import pg from 'pg';
import type { Log } from '../log.ts';

/**
 * What Lovage announces: work in a queue, a wish to cancel, tasks that became final, ends that concern a batch or a parent,
 * schedules due sooner than they were, workers told to end; and which tasks somebody watches, with what happens to those.
 */
export type Channel =
  | 'lovage_ready'
  | 'lovage_cancel'
  | 'lovage_final'
  | 'lovage_follow'
  | 'lovage_schedule'
  | 'lovage_drain'
  | 'lovage_watch'
  | 'lovage_event';

const HEALTH_CHECK_MS = 10_000;
const RECONNECT_MAX_MS = 5_000;

/**
 * The process's one LISTEN connection. Notifications are hints: whoever waits on one also polls, so a lost
 * connection costs time and never an answer. `on('connected')` fires after every (re)connect, when hints may
 * have been missed.
 */
export class Listener extends EventEmitter<Record<Channel, [payload: string]> & { connected: [] }> {
  readonly #url: string;
  readonly #channels: readonly Channel[];
  readonly #log: Log;
  /** When the connection last answered or brought something, by the clock of Date.now(). */
  heardAt = 0;
  #client: pg.Client | undefined;
  #timer: NodeJS.Timeout | undefined;
  #failures = 0;
  #closed = false;

  /** Only what somebody here acts on: thousands of ends a second are no news to a worker. */
  constructor(url: string, channels: readonly Channel[], log: Log) {
    super();
    this.#url = url;
    this.#channels = channels;
    this.#log = log;
    this.setMaxListeners(0);
  }

  get isConnected(): boolean {
    return this.#client !== undefined;
  }

  /** Resolves after the first try, successful or not; from then on it keeps itself connected. */
  async start(): Promise<void> {
    if (this.#closed) return;
    const client = new pg.Client({
      connectionString: this.#url,
      application_name: 'lovage listener',
      connectionTimeoutMillis: 3_000,
      query_timeout: 5_000,
      keepAlive: true,
    });
    const lost = (error?: Error) => this.#reconnect(client, error);
    client.on('error', lost);
    client.on('end', lost);
    client.on('notification', ({ channel, payload }) => {
      this.heardAt = Date.now();
      this.emit(channel as Channel, payload ?? '');
    });
    try {
      await client.connect();
      await client.query(this.#channels.map((channel) => `LISTEN ${channel}`).join(';'));
    } catch (error) {
      lost(error as Error);
      return;
    }
    if (this.#closed) {
      await client.end();
      return;
    }
    this.#client = client;
    this.#failures = 0;
    this.#checkHealth(client);
    this.emit('connected');
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    const client = this.#client;
    this.#client = undefined;
    await client?.end();
  }

  /** A half-open connection delivers nothing and reports nothing: ask it now and then. */
  #checkHealth(client: pg.Client): void {
    this.heardAt = Date.now();
    this.#timer = setTimeout(() => {
      client.query('SELECT 1').then(
        () => client === this.#client && this.#checkHealth(client),
        (error: Error) => this.#reconnect(client, error),
      );
    }, HEALTH_CHECK_MS).unref();
  }

  #lostClients = new WeakSet<pg.Client>();

  #reconnect(client: pg.Client, error?: Error): void {
    if (this.#lostClients.has(client)) return;
    this.#lostClients.add(client);
    if (client === this.#client) this.#client = undefined;
    client.end().catch(() => undefined);
    if (this.#closed) return;
    this.#failures += 1;
    if (this.#failures === 1)
      this.#log.warn({ err: error }, 'the listener lost its connection; polling until it is back');
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.start(), Math.min(RECONNECT_MAX_MS, 100 * 2 ** this.#failures));
  }
}
