import { explainTask } from '../../tasks/explain.ts';
import { readArguments } from '../arguments.ts';
import { UsageError, type Command } from '../command.ts';
import { table } from '../table.ts';
import { withLovage } from '../with-lovage.ts';

export const explain: Command = {
  name: 'explain',
  summary: 'Says why a task is not running now, and since when',
  usage: 'explain ID [--json]',
  options: [['--json', 'print JSON']],
  examples: ['explain 0197b6f0-0000-7000-8000-000000000000'],
  run(args) {
    const { values, positionals } = readArguments(args, { json: { type: 'boolean', default: false } }, 1);
    const [id] = positionals;
    if (!id) throw new UsageError('say which task: lovage explain ID');
    return withLovage(async (lovage, caller) => {
      const why = await explainTask(lovage, caller, id);
      console.log(values.json ? JSON.stringify(why, null, 2) : `${why.state}\n${table(why.reasons)}`);
      return 0;
    });
  },
};
