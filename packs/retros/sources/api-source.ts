import { RetryIn } from 'lovage';
import { callService } from '../../services/call-service.ts';
import { ServiceError } from '../../services/service-error.ts';
import type { MetricsSource, SprintQuery } from './metrics-source.ts';
import { readRecords, refuseTwins } from './read-records.ts';

const SERVICE = 'the metrics service';
const CODE = 'MetricsApiError';
const LONGEST_WAIT_MS = 60 * 60 * 1000;

/** `GET {url}/sprints?count&team_id` of a service that keeps a team's numbers. */
export function openApiSource({ url, key }: { url: string; key: string | undefined }): MetricsSource {
  return {
    async fetchSprints(query) {
      const sent = await callService({
        service: SERVICE,
        url: sprintsUrl(url, query),
        headers: key === undefined ? {} : { Authorization: `Bearer ${key}` },
        signal: query.signal,
        code: CODE,
      }).catch((error: unknown) => {
        throw asTold(error);
      });
      const sprints = readRecords(sent, 'api', SERVICE);
      refuseTwins(sprints, SERVICE);
      return sprints;
    },
  };
}

function sprintsUrl(base: string, { count, teamId }: SprintQuery): URL {
  const url = new URL(base);
  url.pathname = `${url.pathname.replace(/\/$/, '')}/sprints`;
  url.searchParams.set('count', String(count));
  if (teamId !== null) url.searchParams.set('team_id', teamId);
  return url;
}

/** A service that says when to come back is taken at its word. */
function asTold(error: unknown): unknown {
  if (!(error instanceof ServiceError) || error.retryAfterMs === undefined) return error;
  if (error.status !== 429 && error.status !== 503) return error;
  const waitMs = Math.min(error.retryAfterMs, LONGEST_WAIT_MS);
  return new RetryIn(waitMs, { message: error.message, code: CODE, cause: error });
}
