import { readFile } from 'node:fs/promises';
import type { Hono } from 'hono';
import { LovageError } from '../../errors.ts';
import type { HttpEnv } from '../context.ts';
import { findDocsBundle } from './bundle.ts';

const BUNDLE_URL = '/docs/standalone.js';

/** Everything comes from this server: the policy below would block a font, a script or a report to anywhere else. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const CONFIGURATION = {
  withDefaultFonts: false,
  telemetry: false,
  hideClientButton: true,
  showDeveloperTools: 'never',
  agent: { disabled: true },
  mcp: { disabled: true },
};

export function mountDocs(app: Hono<HttpEnv>, documentUrl: string): void {
  app.get('/docs', (c) => {
    c.header('Content-Security-Policy', POLICY);
    return c.html(page(documentUrl));
  });

  app.get(BUNDLE_URL, async (c) => {
    const path = findDocsBundle();
    if (path === undefined) throw new LovageError('not-found', 'This build has no documentation bundle');
    c.header('Content-Type', 'text/javascript; charset=utf-8');
    c.header('Cache-Control', 'public, max-age=3600');
    return c.body(await readFile(path));
  });
}

const page = (documentUrl: string): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>Lovage API</title>
</head>
<body>
<noscript>The API is described by <a href="${documentUrl}">${documentUrl}</a>.</noscript>
<script id="api-reference" data-url="${documentUrl}" data-configuration='${JSON.stringify(CONFIGURATION)}'></script>
<script src="${BUNDLE_URL}"></script>
</body>
</html>
`;
