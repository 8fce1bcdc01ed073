import type { RetrosEnvironment } from '../environment.ts';
import { openApiSource } from './api-source.ts';
import { openDemoSource } from './demo-source.ts';
import { openFolderSource } from './folder-source.ts';
import type { MetricsSource } from './metrics-source.ts';

/** The service where there is one, else the folder, else the demo, whose sprints say that they are none. */
export function openSource(environment: RetrosEnvironment): MetricsSource {
  if (environment.EXTERNAL_METRICS_API_URL !== undefined) {
    return openApiSource({
      url: environment.EXTERNAL_METRICS_API_URL,
      key: environment.EXTERNAL_METRICS_API_KEY,
    });
  }
  if (environment.METRICS_DIR !== undefined) return openFolderSource(environment.METRICS_DIR);
  return openDemoSource();
}
