import { createServer, type RequestListener, type Server } from 'node:http';
import { MAX_WAIT_MS } from './await-task.ts';
import { answerUnexpected, answerUnparsed } from './refuse-request.ts';

/** What a client may take of a server before it is cut off. */
export interface ConnectionLimits {
  /** From the first byte of a request to the end of its headers. */
  headersMs: number;
  /** From the first byte of a request to the end of its body. */
  requestMs: number;
  /** How long an idle connection is kept: longer than a load balancer's, or it uses one that is being closed. */
  keepAliveMs: number;
  /** How long a connection may carry nothing, in neither direction: longer than the longest poll. */
  silentMs: number;
  maxHeaderBytes: number;
  maxConnections: number;
}

/** No client that means well sends slower than this. */
const SLOWEST_BYTES_PER_MS = 50;

export const connectionLimits = (maxBodyBytes: number): ConnectionLimits => ({
  headersMs: 15_000,
  requestMs: 30_000 + Math.ceil(maxBodyBytes / SLOWEST_BYTES_PER_MS),
  keepAliveMs: 72_000,
  silentMs: MAX_WAIT_MS + 30_000,
  maxHeaderBytes: 16_384,
  maxConnections: 10_000,
});

/** A server whose connections end: nobody holds one open by sending slowly, or by reading nothing. */
export function createGuardedServer(
  listener: RequestListener,
  limits: ConnectionLimits,
  maxBodyBytes: number,
): Server {
  const server = createServer(
    {
      headersTimeout: limits.headersMs,
      requestTimeout: limits.requestMs,
      keepAliveTimeout: limits.keepAliveMs,
      connectionsCheckingInterval: Math.min(1_000, Math.ceil(limits.headersMs / 4)),
      maxHeaderSize: limits.maxHeaderBytes,
      // Refused by our own listener, in the words of all other refusals.
      requireHostHeader: false,
      // Clients that would rather speak HTTP/2 ask for `h2c`: they are answered in HTTP/1.1.
      shouldUpgradeCallback: ({ headers }) => headers.upgrade?.toLowerCase() === 'websocket',
    },
    listener,
  );
  server.maxConnections = limits.maxConnections;
  server.timeout = limits.silentMs;
  server.on('clientError', answerUnparsed);
  server.on('checkExpectation', answerUnexpected);
  server.on('checkContinue', (incoming, outgoing) => {
    // Who asks first is told no before the body comes.
    if (Number(incoming.headers['content-length'] ?? 0) <= maxBodyBytes) outgoing.writeContinue();
    listener(incoming, outgoing);
  });
  return server;
}
