import { definePack } from 'lovage';
import { echo, exit, exitChild, fail, noop, progress, sleep, spin } from './tasks.ts';

/** Tasks with which an operator proves a deployment. On only with LOVAGE_DIAG=1. */
export const diag = definePack({
  name: 'diag',
  tasks: [noop, echo, sleep, fail, spin, exit, exitChild, progress],
  example: { task: 'diag.progress', input: '{"steps": 5}' },
});
