import { startApi } from '../../src/api/server.ts';
import { createAuthenticator } from '../../src/keys/authenticate.ts';
import { createLog } from '../../src/log.ts';
import { openLovage } from '../../src/open.ts';
import config from '../lovage.config.ts';

/** What `lovage serve` does, with a commit for each request: URL, key and port are its arguments. */
const [url = '', rootKey = '', port = ''] = process.argv.slice(2);
const lovage = await openLovage({
  config,
  url,
  log: createLog({ level: 'warn' }),
  // As many at a time as the pool has connections.
  sending: { maxGroup: 1, lanes: 10 },
});
await startApi({
  lovage,
  authenticator: createAuthenticator(lovage.pool, rootKey),
  settings: { host: '127.0.0.1', port: Number(port), maxBodyBytes: 6 * 1024 * 1024 },
  version: 'bench',
});
process.once('SIGTERM', () => process.exit(0));
