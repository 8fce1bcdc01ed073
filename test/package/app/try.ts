import assert from 'node:assert/strict';
import { createClient } from 'lovage/client';
import { openTestLovage, runTask } from 'lovage/testing';
import config, { greet, measure } from './lovage.config.ts';

const WEEK_MS = 7 * 24 * 3_600_000;

const { output } = await runTask(greet, { to: 'Ada' });
assert.equal(output.text, 'Hello Ada');

// `configFile`: the definition of isolation `process` runs in a child.
const configFile = new URL('./lovage.config.ts', import.meta.url).pathname;
await using lovage = await openTestLovage(config, { serverUrl: process.env['SERVER_URL'] ?? '', configFile });
const later = await lovage.enqueue(measure, output, { delayMs: WEEK_MS });
await lovage.advance(WEEK_MS);
await lovage.idle();
const { state, result } = await lovage.get(later.id);
const client = createClient<typeof config>(await lovage.serve());
console.log(state, result, await client.run('mail.greet', { to: 'Bob' }));
