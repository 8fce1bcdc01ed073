import { createClient } from 'lovage/client';
import type config from './lovage.config.ts';

const client = createClient<typeof config>({
  url: process.env['URL'] ?? '',
  apiKey: process.env['KEY'] ?? '',
});
const { text } = await client.run('mail.greet', { to: 'Ada' });
const length: number = await client.run('mail.measure', { text });

const task = await client.enqueue('mail.measure', { text });
for await (const update of client.watch(task)) {
  const seen: number | null | undefined = update.type === 'end' ? update.task.result : undefined;
  if (update.type === 'end') console.log(text, length, seen);
}

/** Never called: what the compiler must refuse. */
export async function wrong(): Promise<void> {
  // @ts-expect-error no task has this name
  await client.run('mail.nope', {});
  // @ts-expect-error the input names a string
  await client.run('mail.greet', { to: 1 });
  // @ts-expect-error the result is a number
  const measured: string = await client.run('mail.measure', { text: '' });
  void measured;
}
