import { Gauge, type Registry } from 'prom-client';
import { REQUEST_SECONDS, Distribution } from './distribution.ts';
import { Tally } from './tally.ts';

const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/** Numbers of the API in this process. Routes are templates, never paths that callers choose. */
export class RequestMetrics {
  readonly #requests: Tally;
  readonly #seconds: Distribution;
  readonly #streams: Gauge;

  constructor(registry: Registry) {
    this.#requests = new Tally({
      name: 'lovage_http_requests_total',
      help: 'Requests that were answered, by method and route, and status',
      labels: ['route', 'status'],
      registry,
    });
    this.#seconds = new Distribution({
      name: 'lovage_http_request_seconds',
      help: 'From the head of a request to the head of its answer',
      labels: ['route'],
      buckets: REQUEST_SECONDS,
      registry,
    });
    this.#streams = new Gauge({
      name: 'lovage_streams_open',
      help: 'Event streams and WebSockets that are open here',
      labelNames: ['kind'],
      registers: [registry],
    });
    for (const kind of ['sse', 'websocket']) this.#streams.set({ kind }, 0);
  }

  /** `template` such as `/v1/tasks/:id`; undefined where no route took the request. */
  answered(request: { method: string; template: string | undefined; status: number; ms: number }): void {
    const { method, template = '(none)', status, ms } = request;
    const route = `${METHODS.has(method) ? method : 'OTHER'} ${template}`;
    this.#requests.add(route, String(status));
    this.#seconds.record(ms / 1000, route);
  }

  /** Call what comes back when it is closed. */
  openStream(kind: 'sse' | 'websocket'): () => void {
    this.#streams.inc({ kind });
    return () => this.#streams.dec({ kind });
  }
}
