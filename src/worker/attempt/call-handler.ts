import type { AnyTask, RunContext } from '../../task.ts';

/** Turns what a handler threw into what the retry policy is told. */
export type Judged = (error: unknown) => unknown;

/** @throws what the handler threw, judged. */
export async function callHandler(
  definition: AnyTask,
  judged: Judged,
  context: RunContext<unknown>,
): Promise<unknown> {
  try {
    return await definition.run(context);
  } catch (error) {
    throw judged(error);
  }
}
