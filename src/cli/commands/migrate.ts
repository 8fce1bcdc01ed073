import { readArguments } from '../arguments.ts';
import { plural } from '../plural.ts';
import { UsageError, type Command } from '../command.ts';
import { withSession } from '../session.ts';

export const migrate: Command = {
  name: 'migrate',
  summary: 'Brings the database up to date (dev, serve and worker do so at start)',
  usage: 'migrate',
  async run(args) {
    if (args.some((arg) => /^(--down|--to|--rollback|down)$/.test(arg.split('=')[0] ?? ''))) {
      throw new UsageError(
        'migrations go forward only: the release before runs on the newer schema, so start that; or restore a backup (docs/upgrade.md)',
      );
    }
    readArguments(args, {});
    return withSession(async ({ config }) => {
      console.log(
        `The database is up to date: ${plural(config.queues.size, 'queue')}, ${plural(config.tasks.size, 'task definition')}`,
      );
      return 0;
    });
  },
};
