import { WEBHOOK_EVENTS, type WebhookEvent, type WebhookView } from '../wire/webhooks.ts';
import { UsageError, type Value } from './command.ts';
import { readGiven } from './given-text.ts';
import { listOf, text } from './options.ts';

const ALL = 'all';
const known = listOf(WEBHOOK_EVENTS, '');

/** None named is what the API calls all. */
export const eventsOption: Value<WebhookEvent[]> = {
  ...known,
  help: `to be told of: ${ALL}, or some of ${WEBHOOK_EVENTS.join(', ')}`,
  read: (given, name) => (given === ALL ? [] : known.read(given, name)),
  completes: [ALL, ...WEBHOOK_EVENTS],
};

export const secretOption = text(
  '@FILE|-',
  'whsec_…, from a file or from standard input (default: one is made and shown)',
);

/** @throws UsageError for one in the command line, which every user of the machine can read. */
export async function readGivenSecret(given: string | undefined): Promise<{ secret?: string }> {
  if (given === undefined) return {};
  if (given !== '-' && !given.startsWith('@'))
    throw new UsageError(
      '--secret: give it as @FILE, or as - for standard input, where nobody else reads it',
    );
  return { secret: (await readGiven(given, '--secret')).trim() };
}

export const describeEvents = ({ events }: WebhookView): string => events.join(', ') || ALL;

/** How to get another one, where the secret was not read. */
export const remedyFor = ({ id }: WebhookView): string =>
  `webhook ${id} is there; lovage webhooks rotate ${id} makes another secret and shows it`;
