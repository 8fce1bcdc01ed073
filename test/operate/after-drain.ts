/** After LOVAGE_DRAIN_MS a worker stops its handlers, hands back what is left, and lets go: src/worker/drain.ts. */
export const AFTER_DRAIN_S = 9;
