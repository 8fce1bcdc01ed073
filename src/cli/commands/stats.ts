import type { Task } from '../../api/trpc/types.ts';
import { FINAL_OUTCOMES, type StatsView } from '../../wire/stats.ts';
import { defineCommand } from '../command.ts';
import { relative } from '../duration.ts';
import { live, type Screen } from '../live.ts';
import { type Operations, withOperations } from '../operations.ts';
import { flag, WAY_FLAGS } from '../options.ts';
import { drawBar } from '../progress-bar.ts';
import { print } from '../print.ts';
import { printable } from '../printable.ts';
import { paint, table } from '../table.ts';
import { describeLimits, describeWaiting } from './queues/describe.ts';

const EVERY_MS = 1_000;
const MOST_RUNNING = 10;

export const stats = defineCommand({
  name: 'stats',
  summary: 'Shows the system at work: queues, rates, workers, what runs; redraws in place until q',
  options: { once: flag('print it once, as where no terminal is'), ...WAY_FLAGS },
  examples: ['stats', 'stats --once', 'stats --json | jq .recent'],
  notes: ['--json prints {stats, running}: GET /v1/stats, and up to 10 tasks that run.'],
  run: ({ once, ...values }) =>
    withOperations(values, async ({ call }) => {
      if (values.json) {
        print(values, await read(call, MOST_RUNNING), '');
        return 0;
      }
      if (once || !process.stdout.isTTY) {
        console.log(describeStats(await read(call, MOST_RUNNING)));
        return 0;
      }
      await live((screen) => drawStats(call, screen), { everyMs: EVERY_MS });
      return 0;
    }),
});

interface Snapshot {
  stats: StatsView;
  running: Task[];
}

async function read(call: Operations['call'], atMost: number): Promise<Snapshot> {
  const [stats, { items }] = await Promise.all([
    call.stats.get.query(),
    call.tasks.list.query({ state: ['running'], limit: atMost }),
  ]);
  return { stats, running: items };
}

/** A frame of the live view. */
export async function drawStats(call: Operations['call'], { columns, rows }: Screen): Promise<string> {
  return describeStats(await read(call, Math.max(1, Math.min(MOST_RUNNING, rows - 12))), columns);
}

function describeStats(
  { stats: { at, queues, recent, workers }, running }: Snapshot,
  width?: number,
): string {
  const slots = queues.reduce((sum, queue) => sum + (queue.running ?? 0), 0);
  const rates = FINAL_OUTCOMES.map(
    (outcome) => `${outcome} ${perSecond(recent.ended[outcome], recent.seconds)}`,
  );
  const troubles = [
    recent.retried > 0 ? `retried ${perSecond(recent.retried, recent.seconds)}` : '',
    recent.crashed > 0 ? paint('red', `crashed ${recent.crashed}`) : '',
    workers.draining > 0 ? `${workers.draining} draining` : '',
    workers.lost > 0 ? paint('red', `${workers.lost} lost`) : '',
  ].filter(Boolean);
  const busy = queues.map((queue) => ({
    queue: queue.name,
    waiting: describeWaiting(queue),
    running: `${queue.running ?? '?'}`,
    oldest: queue.oldestReadyAt === null ? '-' : relative(queue.oldestReadyAt, Date.parse(at)),
    state: queue.paused === null ? 'active' : 'paused',
    limits: describeLimits(queue.limits),
  }));
  return [
    `${paint('bold', 'lovage')}  ${at.slice(11, 19)} UTC  workers ${workers.live}  slots ${slotsBar(slots, workers.slots)}${troubles.map((each) => `  ${each}`).join('')}`,
    `per second  ${rates.join('  ')}`,
    '',
    table(busy, width === undefined ? {} : { width }),
    ...(running.length > 0 ? [''] : []),
    ...running.map(
      (task) => `${task.id}  ${printable(task.name)}  ${printable(drawBar('running', task.progress))}`,
    ),
  ].join('\n');
}

/** Exact below ten, since one failure a minute is to be seen. */
function perSecond(count: number, seconds: number): string {
  const rate = count / seconds;
  return rate >= 10 || rate === 0 ? String(Math.round(rate)) : rate.toFixed(2);
}

const BAR = 20;
function slotsBar(used: number, slots: number): string {
  const share = slots === 0 ? 0 : Math.min(1, used / slots);
  const filled = Math.round(share * BAR);
  return `${'█'.repeat(filled)}${'░'.repeat(BAR - filled)} ${used}/${slots}`;
}
