import { createApp } from '../../../src/api/app.ts';
import type { Config } from '../../../src/config.ts';
import { createLog } from '../../../src/log.ts';
import { DOCUMENT_URL } from '../../../src/api/openapi/document.ts';
import { Metrics } from '../../../src/metrics/metrics.ts';
import type { Lovage } from '../../../src/lovage.ts';

/** The routes and the document of a configuration. Neither asks for anything but its names: there is no database here. */
export async function makeDocument(config: Config) {
  const app = createApp({
    lovage: { config, log: createLog({ level: 'silent' }), metrics: new Metrics() } as Lovage,
    authenticator: { authenticate: () => Promise.resolve(null), vouchFor: () => Promise.resolve(null) },
    maxBodyBytes: 1_000,
    corsOrigins: [],
    version: '0.1.0',
    isReady: () => Promise.resolve(false),
    closing: new AbortController().signal,
  });
  return { app, text: await (await app.request(DOCUMENT_URL)).text() };
}
