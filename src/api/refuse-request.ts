import { randomUUID } from 'node:crypto';
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { PROBLEM_TYPE, type Problem } from './problem.ts';

/** Answers what never became a request: no host, a target that is no URL. It reaches neither routes nor log. */
export function answerBadRequest(): Response {
  const problem = bareProblem(400);
  const headers = { 'Content-Type': PROBLEM_TYPE, 'X-Request-Id': problem.instance };
  return new Response(JSON.stringify(problem), { status: problem.status, headers });
}

/** Answers what Node's parser gave up on: bytes that are not HTTP, headers over its limit, a client too slow. */
export function answerUnparsed(error: Error & { code?: string }, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const status = PARSER_STATUS[error.code ?? ''] ?? 400;
  const problem = bareProblem(status);
  const body = JSON.stringify(problem);
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Type: ${PROBLEM_TYPE}\r\nX-Request-Id: ${problem.instance}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

/** Answers an `Expect` that is not 100-continue. */
export function answerUnexpected(_incoming: IncomingMessage, outgoing: ServerResponse): void {
  const problem = bareProblem(417);
  outgoing.writeHead(417, { 'Content-Type': PROBLEM_TYPE, 'X-Request-Id': problem.instance });
  outgoing.end(JSON.stringify(problem));
}

const PARSER_STATUS: Record<string, number> = { HPE_HEADER_OVERFLOW: 431, ERR_HTTP_REQUEST_TIMEOUT: 408 };

/** RFC 9457: `about:blank` says no more than the status does. */
function bareProblem(status: number): Problem {
  const title = STATUS_CODES[status] ?? 'Error';
  return {
    type: 'about:blank',
    title,
    status,
    detail: 'This is no HTTP request that can be read',
    instance: randomUUID(),
  };
}
