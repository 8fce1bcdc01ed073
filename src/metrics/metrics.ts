import { Gauge, Registry } from 'prom-client';
import type { Executor } from '../db/connect.ts';
import { ClusterMetrics } from './cluster.ts';
import { ConnectionMetrics } from './connections.ts';
import { watchProcess } from './process.ts';
import { RequestMetrics } from './requests.ts';
import { WebhookMetrics } from './webhooks.ts';
import { WorkMetrics } from './work.ts';
import { writeMetrics, type Written } from './write.ts';

/** The numbers of one process, whatever of Lovage runs in it. Counting costs memory only; Postgres is asked when somebody scrapes. */
export class Metrics {
  readonly connections: ConnectionMetrics;
  readonly #registry = new Registry();
  readonly #up: Gauge;
  #requests: RequestMetrics | undefined;
  #webhooks: WebhookMetrics | undefined;
  #cluster: ClusterMetrics | undefined;

  constructor() {
    this.connections = new ConnectionMetrics(this.#registry);
    this.#up = new Gauge({
      name: 'lovage_database_up',
      help: 'Whether Postgres answers this process',
      registers: [this.#registry],
    });
  }

  get requests(): RequestMetrics {
    return (this.#requests ??= new RequestMetrics(this.#registry));
  }

  get webhooks(): WebhookMetrics {
    return (this.#webhooks ??= new WebhookMetrics(this.#registry));
  }

  /** Of one worker that knows these definitions. */
  work(names: Iterable<string>): WorkMetrics {
    return new WorkMetrics(this.#registry, names);
  }

  /** From now on somebody may scrape: also the process itself is watched, and the database by this connection. */
  expose(version: string, executor: Executor): void {
    if (this.#cluster) return;
    this.#cluster = new ClusterMetrics(executor);
    watchProcess(this.#registry);
    new Gauge({
      name: 'lovage_build_info',
      help: 'Which Lovage this is',
      labelNames: ['version', 'node'],
      registers: [this.#registry],
    }).set({ version, node: process.version }, 1);
  }

  /** Never rejects for want of Postgres. */
  async write(accept: string | undefined): Promise<Written> {
    const { isUp, isFresh } = (await this.#cluster?.refresh()) ?? { isUp: false, isFresh: false };
    this.#up.set(isUp ? 1 : 0);
    const shown = isFresh && this.#cluster ? [this.#registry, this.#cluster.registry] : [this.#registry];
    return writeMetrics(shown, accept);
  }
}
