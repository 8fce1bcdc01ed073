import type { Sprint } from '../sprints/sprint.ts';

export interface SprintQuery {
  count: number;
  teamId: string | null;
  signal: AbortSignal;
}

/** Where sprints come from. What it fetches has been checked; it may be more than was asked for. */
export interface MetricsSource {
  fetchSprints: (query: SprintQuery) => Promise<Sprint[]>;
}
