import { defineCommand } from '../../command.ts';
import { MAX_GRACE_MS } from '../../key-flags.ts';
import { withOperations } from '../../operations.ts';
import { WAY_FLAGS, whole } from '../../options.ts';
import { printOnce } from '../../print-once.ts';
import { readGivenSecret, remedyFor, secretOption } from '../../webhook-flags.ts';

export const rotate = defineCommand({
  name: 'webhooks rotate',
  summary: 'Gives a webhook a new secret, and shows it this once',
  arguments: [{ name: 'ID', which: 'webhook' }],
  options: {
    grace: whole('MS', 'how long the former secret signs too (default 86400000, a day)', [0, MAX_GRACE_MS]),
    secret: secretOption,
    ...WAY_FLAGS,
  },
  examples: ['webhooks rotate 0197b6f0-0000-7000-8000-000000000000 --grace 3600000'],
  async run({ grace, secret, ...values }, [id = '']) {
    const wanted = {
      id,
      ...(grace !== undefined && { graceMs: grace }),
      ...(await readGivenSecret(secret)),
    };
    return withOperations(values, async ({ call }) => {
      const rotated = await call.webhooks.rotate.mutate(wanted);
      const until = rotated.rotatingUntil;
      const former = until === null ? '' : ` The former one signs too until ${until}.`;
      await printOnce(values, {
        value: rotated,
        text: () => `${rotated.secret}\n\nThis is the only time the secret is shown.${former}`,
        remedy: remedyFor(rotated),
      });
      return 0;
    });
  },
});
