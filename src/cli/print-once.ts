import { EXIT, Failure } from './failure.ts';
import { leaveWhereUnread } from './lost-output.ts';
import { print } from './print.ts';

interface Shown {
  value: unknown;
  text: () => string;
  /** What to do where nobody could read it. */
  remedy: string;
}

/**
 * Prints what is shown this once. A reader that left early, which ends every other command quietly, has lost a secret here, as a
 * full disk has.
 * @throws Failure with the remedy
 */
export async function printOnce(values: { json: boolean }, { value, text, remedy }: Shown): Promise<void> {
  const { stdout } = process;
  const isWatched = stdout.listeners('error').includes(leaveWhereUnread);
  const ignore = () => undefined;
  stdout.on('error', ignore).off('error', leaveWhereUnread);
  print(values, value, text);
  const error = await new Promise<Error | null | undefined>((written) => stdout.write('', written));
  // The event comes after the callback: it is left to be ignored.
  if (error)
    throw new Failure(`what is shown only once cannot be written (${error.message}); ${remedy}`, EXIT.failed);
  stdout.off('error', ignore);
  if (isWatched) stdout.on('error', leaveWhereUnread);
}
