import type pg from 'pg';
import type { Registry } from 'prom-client';
import { show } from './show.ts';

interface Heard {
  readonly isConnected: boolean;
  /** By the clock of Date.now(). */
  readonly heardAt: number;
}

/** Connections to Postgres that this process holds, shown as they are when somebody asks. */
export class ConnectionMetrics {
  readonly #pools = new Map<string, pg.Pool>();
  readonly #listeners = new Map<string, Heard>();

  constructor(registry: Registry) {
    show(registry, {
      name: 'lovage_pool_connections',
      help: 'Connections of a pool',
      labels: ['pool', 'state'],
      fill: (gauge) => {
        for (const [pool, { totalCount, idleCount }] of this.#pools) {
          gauge.set({ pool, state: 'busy' }, totalCount - idleCount);
          gauge.set({ pool, state: 'idle' }, idleCount);
        }
      },
    });
    const ofPools = (name: string, help: string, read: (pool: pg.Pool) => number): void =>
      show(registry, {
        name,
        help,
        labels: ['pool'],
        fill: (gauge) => this.#pools.forEach((pool, name) => gauge.set({ pool: name }, read(pool))),
      });
    ofPools('lovage_pool_max_connections', 'Connections that a pool may have', ({ options }) => options.max);
    ofPools('lovage_pool_waiting', 'Statements that wait for a connection', (pool) => pool.waitingCount);
    const ofListeners = (name: string, help: string, read: (listener: Heard) => number): void =>
      show(registry, {
        name,
        help,
        labels: ['listener'],
        fill: (gauge) => this.#listeners.forEach((one, name) => gauge.set({ listener: name }, read(one))),
      });
    ofListeners('lovage_listener_connected', 'Whether notifications of Postgres reach it', (one) =>
      Number(one.isConnected),
    );
    ofListeners(
      'lovage_listener_last_heard_timestamp_seconds',
      'When the listening connection last answered or brought something',
      ({ heardAt }) => heardAt / 1000,
    );
  }

  watchPool(name: string, pool: pg.Pool): void {
    this.#pools.set(name, pool);
  }

  watchListener(name: string, listener: Heard): void {
    this.#listeners.set(name, listener);
  }
}
