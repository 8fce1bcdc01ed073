import { plural } from '../plural.ts';
import { defineCommand } from '../command.ts';
import { withSession } from '../session.ts';

export const migrate = defineCommand({
  name: 'migrate',
  summary: 'Brings the database up to date (dev, serve and worker do so at start)',
  examples: ['migrate'],
  notes: ['Forward only: the release before runs on the newer schema (docs/upgrade.md).'],
  run() {
    return withSession(async ({ config }) => {
      console.log(
        `The database is up to date: ${plural(config.queues.size, 'queue')}, ${plural(config.tasks.size, 'task definition')}`,
      );
      return 0;
    });
  },
});
