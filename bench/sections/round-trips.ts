import { setTimeout as pause } from 'node:timers/promises';
import { createClient, type Client } from 'lovage/client';
import { atMost, type Bench, type Claim, type Section } from '../bench.ts';
import type config from '../lovage.config.ts';
import { startApi } from '../measure/deployment.ts';
import { BENCH_CONFIG, spawnLovage } from '../measure/lovage-process.ts';
import { figure, median, summarize } from '../measure/statistics.ts';
import { tapWire, type WireTap } from '../measure/wire-tap.ts';

const BAR = 2;
/** Long against all else that a call does, so that the waits for Postgres can be counted by the clock. */
const DELAY_MS = 200;
/** Longer than an answer about a key is trusted. */
const KEY_FORGOTTEN_MS = 2_000;
/** Until what a call leaves to be done is done. */
const QUIET_MS = 300;
/** Longer than an unused connection is kept. */
const POOL_EMPTIED_MS = 12_000;

type Call = Client<typeof config>;

export const roundTrips: Section = {
  name: 'round-trips',
  title: 'Database round trips until a tRPC enqueue answers',
  async run(bench) {
    await using database = await bench.server.clone();
    await using tap = await tapWire(database.url);
    await using api = await startApi(tap.url);
    const apiKey = await createKey(database.url);
    const client = createClient<typeof config>({ url: api.url, apiKey });
    await warmUp(client);

    bench.print(
      `every answer of Postgres held up by ${DELAY_MS} ms: a call takes as many times that as it waits in turn`,
    );
    const fresh = await countTrips(bench, tap, client, 'fresh');
    const cached = await countTrips(bench, tap, client, 'cached');
    if (!bench.isQuick) {
      const cold = await countOnce(bench, tap, client, POOL_EMPTIED_MS);
      bench.print(
        `  after ${POOL_EMPTIED_MS / 1000} s of silence (no bar): ${figure(cold.trips)} round trips, connecting included`,
      );
    }
    return [claim('round trips, fresh key', fresh), claim('round trips, cached key', cached)];
  },
};

async function createKey(url: string): Promise<string> {
  const env = { DATABASE_URL: url, LOVAGE_CONFIG: BENCH_CONFIG };
  const printed = await spawnLovage(['keys', 'create', 'bench', '--scopes', 'enqueue'], env).finished;
  const [key] = /\blv_[\w-]{20,}/.exec(printed) ?? [];
  if (!key) throw new Error(`lovage keys create printed no key: ${printed.slice(0, 200)}`);
  return key;
}

/** Opens connections enough, so that none is opened while it counts. */
async function warmUp(client: Call): Promise<void> {
  for (let n = 0; n < 3; n += 1) {
    await Promise.all(
      Array.from({ length: 5 }, () => client.enqueue('clock.stamp', {}).then(() => undefined)),
    );
  }
}

async function countTrips(
  bench: Bench,
  tap: WireTap,
  client: Call,
  key: 'fresh' | 'cached',
): Promise<number[]> {
  const counts: { trips: number; statements: readonly string[] }[] = [];
  for (let n = 0; n < bench.rounds + 2; n += 1) {
    if (key === 'cached') {
      await pause(KEY_FORGOTTEN_MS);
      await client.enqueue('clock.stamp', {});
    }
    counts.push(await countOnce(bench, tap, client, key === 'fresh' ? KEY_FORGOTTEN_MS : QUIET_MS));
  }
  const trips = counts.map((count) => count.trips);
  bench.print(
    `  ${key} key: ${figure(median(trips))} round trips; sent, with the notification after the answer:`,
  );
  for (const text of counts.at(-1)?.statements ?? []) {
    bench.print(`    ${text.replaceAll(/\s+/g, ' ').slice(0, 90)}`);
  }
  return trips;
}

async function countOnce(bench: Bench, tap: WireTap, client: Call, beforeMs: number) {
  bench.progress.say(`round trips: waiting ${beforeMs / 1000} s, then one call`);
  await pause(beforeMs);
  tap.forget();
  tap.delayAnswers(DELAY_MS);
  const startedAt = performance.now();
  await client.enqueue('clock.stamp', {});
  const trips = Math.floor((performance.now() - startedAt) / DELAY_MS);
  await pause(2 * DELAY_MS);
  tap.delayAnswers(0);
  return { trips, statements: tap.statements() };
}

function claim(what: string, trips: number[]): Claim {
  const summary = summarize(trips);
  // The worst call decides, not the median.
  return { what, ...summary, unit: '', bar: atMost(BAR, summary.max, '') };
}
