import { setTimeout as wait } from 'node:timers/promises';
import { trace } from '@opentelemetry/api';

const PATIENCE_MS = 3_000;

interface Flushing {
  getDelegate?: () => Flushing;
  forceFlush?: () => Promise<void>;
}

/** Sends what an SDK holds back, before the process ends. The API has no word for it, the providers of SDKs have. Never rejects. */
export async function flushTraces(): Promise<void> {
  const provider = trace.getTracerProvider() as Flushing;
  const registered = provider.getDelegate?.() ?? provider;
  if (!registered.forceFlush) return;
  const flushed = registered.forceFlush().catch(() => undefined);
  await Promise.race([flushed, wait(PATIENCE_MS, undefined, { ref: false })]);
}
