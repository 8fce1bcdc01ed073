import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { defineConfig } from '../../src/config.ts';
import { definePack, type Pack, type QueueOptions } from '../../src/pack.ts';
import { defineTask } from '../../src/task.ts';

const speak = defineTask({ name: 'cards.speak', input: z.null(), output: z.null(), run: () => null });
const daily = { task: speak, input: null, cron: '0 3 * * *' };
const hourly = { task: speak, input: null, cron: '0 * * * *' };
const pack = (name: string, more: Partial<Pack> = {}): Pack => definePack({ name, tasks: [], ...more });
const cards = (more: Partial<Pack> = {}) => pack('cards', { tasks: [speak], ...more });

describe('the queues of packs', () => {
  const settings = { concurrency: 4, rate: { limit: 1, periodMs: 1_000 } };
  const queuesOf = (packs: Pack[], queues: Record<string, QueueOptions> = {}) =>
    Object.fromEntries(defineConfig({ packs, queues }).queues);

  test('are settled option by option: by the configuration, else by the pack', () => {
    const packs = [cards({ queues: { cards: settings, spare: { perKey: 2 } } }), pack('retros')];
    expect(queuesOf(packs)).toEqual({ cards: settings, spare: { perKey: 2 } });
    expect(queuesOf(packs, { cards: { concurrency: 9, clusterConcurrency: 1 } })).toEqual({
      cards: { ...settings, concurrency: 9, clusterConcurrency: 1 },
      spare: { perKey: 2 },
    });
    expect(settings.concurrency).toBe(4);
  });

  test('may be shared by packs that agree, and by those that differ where the configuration decides', () => {
    const agreed = { queues: { media: settings } };
    expect(queuesOf([cards(agreed), pack('retros', agreed)])).toMatchObject({ media: settings });
    const differ = [cards(agreed), pack('retros', { queues: { media: { concurrency: 5, perKey: 3 } } })];
    expect(() => queuesOf(differ)).toThrow(
      'queue "media": concurrency: packs "cards" and "retros" say different things; the configuration has to decide',
    );
    expect(queuesOf(differ, { media: { concurrency: 6 } })).toMatchObject({
      media: { ...settings, concurrency: 6, perKey: 3 },
    });
  });

  test('are held to the same bounds as the configuration’s own', () => {
    expect(() => queuesOf([cards({ queues: { cards: { concurrency: 0 } } })])).toThrow(
      'queue "cards": concurrency must be a whole number above 0, got 0',
    );
    expect(() => queuesOf([cards({ queues: { lovage: {} } })])).toThrow('the name is Lovage');
  });
});

test('schedules of packs stand beside the configuration’s own, which win', () => {
  const packs = [cards({ schedules: { sweep: daily, speak: daily } })];
  expect([...defineConfig({ packs, schedules: { sweep: hourly, own: hourly } }).schedules]).toEqual([
    ['sweep', hourly],
    ['speak', daily],
    ['own', hourly],
  ]);
  const both = [...packs, pack('retros', { schedules: { sweep: daily } })];
  expect(() => defineConfig({ packs: both })).toThrow(
    'schedule "sweep": packs "cards" and "retros" say different things; the configuration has to decide',
  );
  expect(defineConfig({ packs: both, schedules: { sweep: hourly } }).schedules.get('sweep')).toBe(hourly);
});
