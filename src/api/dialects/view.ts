import type { DialectRequest, Rendered } from '../../dialect.ts';
import type { TaskView } from '../../wire.ts';
import type { DialectParts } from './parts.ts';

/** A task for a dialect's renderers, with what they may use beside it. */
export const viewIn = (
  { pack }: Pick<DialectParts, 'pack'>,
  request: DialectRequest,
  task: TaskView,
): Rendered => ({
  ...request,
  task: { ...task, result: task.result ?? null },
  state: pack.dialect.states[task.state],
});
