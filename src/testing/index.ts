export { openTestLovage, type TestLovage, type TestOptions } from './open.ts';
export { runTask, type RunOptions, type TaskRun } from './run-task.ts';
export { createVault } from './vault.ts';
