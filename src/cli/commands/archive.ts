import { audited } from '../../audit/call.ts';
import { keepHouse } from '../../archive/keep-house.ts';
import type { ArchivePlanView } from '../../wire/archive.ts';
import { defineCommand } from '../command.ts';
import { withOperations } from '../operations.ts';
import { JSON_FLAG, WAY_FLAGS } from '../options.ts';
import { print } from '../print.ts';
import { toJson } from '../printable.ts';
import { createProgressBar } from '../progress-bar.ts';
import { readSettings } from '../../settings/settings.ts';
import { table } from '../table.ts';
import { withLovage } from '../with-lovage.ts';

export const archivePlan = defineCommand({
  name: 'archive plan',
  summary: 'Shows what retention would do',
  options: WAY_FLAGS,
  examples: ['archive plan'],
  run: (values) =>
    withOperations(values, async ({ call }) => {
      const found = await call.archive.plan.query();
      print(values, found, () => describe(found));
      return 0;
    }),
});

export const archiveRun = defineCommand({
  name: 'archive run',
  summary: 'Does now what retention would do',
  options: JSON_FLAG,
  examples: ['archive run'],
  notes: ['Goes to the database, never to the API.'],
  run: ({ json }) => run(json),
});

/** What the workers do every minute, at once and to its end. */
const run = (asJson: boolean) =>
  withLovage(async (lovage, caller) => {
    const { auditRetentionMs, keeping } = readSettings();
    const bar = process.stderr.isTTY ? createProgressBar(process.stderr) : undefined;
    const ages = { auditMs: auditRetentionMs, deliveriesMs: keeping.retentionMs };
    const onStep = ({ moved, looked }: { moved: number; looked: number }) =>
      bar?.show('archiving', { current: moved, total: null, message: `of ${looked} tasks looked at` });
    const call = { action: 'archive.run', request: {} };
    const kept = await audited(lovage, caller, call, () => keepHouse(lovage, ages, { onStep }));
    bar?.end();
    const { archived, results, dropped, heldUntil, jobs, keys, audit, deliveries } = kept;
    const held =
      heldUntil === null ? '' : `\nNothing is dropped before ${heldUntil}: the database’s clock has leapt`;
    console.log(
      asJson
        ? toJson(kept, 2)
        : `${archived} tasks archived, ${results} results removed, ${dropped.length} partitions dropped; also removed: ` +
            `${jobs} jobs, ${keys} keys, ${deliveries} deliveries, ${audit} lines of the audit log${held}`,
    );
    return 0;
  });

function describe({
  tasks,
  isAll,
  resultsExpired,
  partitions,
  lacking,
  heldUntil,
  lastRoundAt,
}: ArchivePlanView): string {
  const byName = tasks.map((task) => ({
    name: task.name,
    queue: task.queue,
    'archived after': span(task.archiveAfterMs),
    'kept for': span(task.retentionMs),
    'due now': String(task.due),
    later: String(task.waiting),
  }));
  const byDate = partitions.map(({ name, to, tasks: count, bytes, isExpired }) => ({
    partition: name,
    'dropped at': isExpired ? 'the next round' : (to ?? 'never'),
    tasks: String(count),
    size: `${(bytes / 1024 / 1024).toFixed(1)} MB`,
  }));
  return [
    table(byName),
    ...(isAll ? [] : ['(counted among the oldest 100,000 tasks only)']),
    '',
    table(byDate),
    '',
    `${resultsExpired} results are past their time to live; ${lacking.length} partitions will be made`,
    lastRoundAt === null ? 'No round has run yet' : `The last round was at ${lastRoundAt}`,
    ...(heldUntil === null ? [] : [`Nothing is dropped before ${heldUntil}: the database’s clock has leapt`]),
  ].join('\n');
}

const UNITS: readonly [unit: string, ms: number][] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1_000],
];

function span(ms: number): string {
  const [unit, size] = UNITS.find(([, size]) => ms >= size && ms % size === 0) ?? ['ms', 1];
  return `${ms / size} ${unit}`;
}
