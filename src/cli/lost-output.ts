import { EXIT } from './failure.ts';

/** Whoever reads a part of it, such as `| head`, has what he wanted. */
export function leaveWhereUnread(error: NodeJS.ErrnoException): never {
  if (error.code === 'EPIPE') process.exit(EXIT.done);
  console.error(`lovage: what was to be printed cannot be written: ${error.message}`);
  process.exit(EXIT.failed);
}
