import { audited } from '../../audit/call.ts';
import { keepHouse } from '../../archive/keep-house.ts';
import { planArchive } from '../../archive/plan.ts';
import type { ArchivePlanView } from '../../wire/archive.ts';
import { readArguments } from '../arguments.ts';
import { UsageError, type Command } from '../command.ts';
import { createProgressBar } from '../progress-bar.ts';
import { readSettings } from '../../settings.ts';
import { table } from '../table.ts';
import { withLovage } from '../with-lovage.ts';

export const archive: Command = {
  name: 'archive',
  summary: 'Shows what retention would do, or does it now',
  usage: 'archive plan | archive run [--json]',
  options: [['--json', 'print JSON']],
  examples: ['archive plan', 'archive run'],
  run(args) {
    const { values, positionals } = readArguments(args, { json: { type: 'boolean', default: false } }, 1);
    const [verb] = positionals;
    if (verb === 'plan') return plan(values.json);
    if (verb === 'run') return run(values.json);
    throw new UsageError('say what: lovage archive plan, or lovage archive run');
  },
};

const plan = (asJson: boolean) =>
  withLovage(async (lovage) => {
    const found = await planArchive(lovage);
    console.log(asJson ? JSON.stringify(found, null, 2) : describe(found));
    return 0;
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
        ? JSON.stringify(kept, null, 2)
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
    'dropped at': isExpired ? 'the next round' : to,
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
    `The last round was ${lastRoundAt === null ? 'never' : `at ${lastRoundAt}`}`,
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
