import { audited } from '../../audit/call.ts';
import { resumeQueue } from '../../queues/resume.ts';
import { readArguments } from '../arguments.ts';
import { UsageError, type Command } from '../command.ts';
import { withLovage } from '../with-lovage.ts';

export const resume: Command = {
  name: 'resume',
  summary: 'Lets the tasks of a paused queue start again',
  usage: 'resume QUEUE',
  examples: ['resume mail'],
  run(args) {
    const { positionals } = readArguments(args, {}, 1);
    const [name] = positionals;
    if (!name) throw new UsageError('say which queue: lovage resume QUEUE');
    return withLovage(async (lovage, caller) => {
      const call = { action: 'queues.resume', request: { name } };
      const { outcome } = await audited(lovage, caller, call, () => resumeQueue(lovage, caller, name));
      console.log(`Queue ${name} ${outcome === 'resumed' ? 'is resumed' : 'was not paused'}`);
      return 0;
    });
  },
};
