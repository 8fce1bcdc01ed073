import type { Dialect, Rendered } from '../../dialect.ts';
import type { TaskView } from '../../wire.ts';

/** Wraps a task for a dialect's renderers; links follow the mount. */
export function createView({ prefix, states }: Dialect): (task: TaskView) => Rendered {
  return (task) => ({
    task: { ...task, result: task.result ?? null },
    state: states[task.state],
    link: (path) => `${prefix}${path}`,
  });
}
