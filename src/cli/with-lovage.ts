import { userInfo } from 'node:os';
import { LovageError, SetupError } from '../errors.ts';
import type { Lovage } from '../lovage.ts';
import { openLovage } from '../open.ts';
import { DEFAULT_TENANT, SCOPES, type Caller } from '../wire.ts';
import { UsageError } from './command.ts';
import { withSession } from './session.ts';

/** What the command line does, it does as `cli:<user>` and for the tenant `default`; keys it makes for any. */
const callerOf = (user: string): Caller => ({
  actor: `cli:${user}`,
  tenant: DEFAULT_TENANT,
  scopes: new Set(SCOPES),
  isOperator: true,
});

/** Opens the database for verbs on tasks and queues; what they refuse is told in a line or two. */
export function withLovage(work: (lovage: Lovage, caller: Caller) => Promise<number>): Promise<number> {
  return withSession(async ({ settings, config, database, log, secret }) => {
    const lovage = await openLovage({
      config,
      url: database.url,
      secret,
      egress: { allow: settings.webhookAllow },
      log,
    });
    try {
      const code = await work(lovage, callerOf(userInfo().username));
      await lovage.notifier.flush();
      return code;
    } catch (error) {
      throw error instanceof LovageError ? refusal(error, lovage) : error;
    } finally {
      await lovage.close();
    }
  });
}

function refusal({ code, message, faults }: LovageError, { config }: Lovage): Error {
  const known = code === 'unknown-task-name' ? `; there are: ${[...config.tasks.keys()].join(', ')}` : '';
  const lines = faults.map(({ pointer, detail }) => `\n  ${pointer || '(root)'}: ${detail}`);
  const text = `${message}${known}${lines.join('')}`;
  return code === 'validation' || code === 'unknown-task-name' ? new UsageError(text) : new SetupError(text);
}
