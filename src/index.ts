export { defineConfig, type Config, type TasksOf } from './config.ts';
export { submits, type Dialect, type DialectRoute, type Rendered } from './dialect.ts';
export { Discard } from './errors.ts';
export { definePack, type Pack } from './pack.ts';
export { defineTask, type InputOf, type OutputOf, type RunContext, type TaskDefinition } from './task.ts';
