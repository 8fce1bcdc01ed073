import { WaitingForChildren } from '../../errors.ts';

const MAX_DEPTH = 10;

function* links(error: unknown): Generator<Error> {
  for (let link = error, depth = 0; link instanceof Error && depth < MAX_DEPTH; link = link.cause, depth += 1)
    yield link;
}

/** The end of its run that `waitFor` asked for, also where the handler has wrapped it. */
export function findWait(error: unknown): WaitingForChildren | undefined {
  for (const link of links(error)) if (link instanceof WaitingForChildren) return link;
  return undefined;
}

/** The reason itself, or an AbortError that names it as its cause, as Node's own functions throw. */
export function isFor(error: unknown, reason: Error): boolean {
  for (const link of links(error)) if (link === reason || link.name === reason.name) return true;
  return false;
}
