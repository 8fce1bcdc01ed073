import { readArguments } from '../arguments.ts';
import { plural } from '../plural.ts';
import type { Command } from '../command.ts';
import { withSession } from '../session.ts';

export const migrate: Command = {
  name: 'migrate',
  summary: 'Brings the database up to date (dev, serve and worker do so at start)',
  usage: 'migrate',
  async run(args) {
    readArguments(args, {});
    return withSession(async ({ config }) => {
      console.log(
        `The database is up to date: ${plural(config.queues.size, 'queue')}, ${plural(config.tasks.size, 'task definition')}`,
      );
      return 0;
    });
  },
};
