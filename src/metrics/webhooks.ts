import type { Registry } from 'prom-client';
import { CALL_SECONDS, Distribution } from './distribution.ts';
import { Tally } from './tally.ts';

/** What became of messages to receivers, whose addresses are no labels. */
export class WebhookMetrics {
  readonly #tries: Tally;
  readonly #seconds: Distribution;

  constructor(registry: Registry) {
    this.#tries = new Tally({
      name: 'lovage_webhook_tries_total',
      help: 'Tries to deliver a webhook',
      labels: ['outcome', 'result'],
      registry,
    });
    this.#seconds = new Distribution({
      name: 'lovage_webhook_try_seconds',
      help: 'How long a try to deliver a webhook took',
      labels: [],
      buckets: CALL_SECONDS,
      registry,
    });
    this.#tries.add('delivered', '2xx', 0);
    for (const outcome of ['retrying', 'failed'])
      for (const result of ['4xx', '5xx', 'timeout', 'connection_failed'])
        this.#tries.add(outcome, result, 0);
  }

  /** `code` says why there was no answer, where there was none. */
  tried({
    outcome,
    status,
    code,
    ms,
  }: {
    outcome: string;
    status: number | null;
    code?: string;
    ms: number;
  }): void {
    this.#tries.add(outcome, status === null ? (code ?? 'none') : `${Math.floor(status / 100)}xx`);
    this.#seconds.record(ms / 1000);
  }
}
