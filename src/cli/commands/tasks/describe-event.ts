import type { EventView } from '../../../wire.ts';
import { printable } from '../../printable.ts';
import { paint } from '../../table.ts';

/** A line of a task's history. */
export function describeEvent({ at, attempt, type, data }: EventView): string {
  const head = `${paint('dim', at)}  ${String(attempt).padStart(2)}  ${type.padEnd(11)}`;
  return `${head} ${printable(tell(type, data))}`.trimEnd();
}

/** What a handler logged. */
export const isLog = ({ type }: { type: string }): boolean => type === 'log';

function tell(type: string, data: Record<string, unknown>): string {
  if (type === 'log') {
    const { level, message, ...more } = data;
    const rest = Object.keys(more).length > 0 ? JSON.stringify(more) : '';
    return [level, message, rest].filter((part) => part !== undefined && part !== '').join(' ');
  }
  return Object.entries(data)
    .filter(([, value]) => value !== null && value !== '')
    .map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(' ');
}
