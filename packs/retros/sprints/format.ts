import { metrics, type MetricName } from './metrics.ts';

/** To two digits after the point, and never minus zero. */
export const round = (value: number, digits = 2): number => {
  const scaled = value * 10 ** digits;
  // So large a number has no digits after the point, and scaled it may be beyond all numbers.
  const rounded = Math.abs(scaled) < Number.MAX_SAFE_INTEGER ? Math.round(scaled) / 10 ** digits : value;
  return rounded === 0 ? 0 : rounded;
};

/** A number as a person writes it: fewer digits the larger it is, but never so few that a small one vanishes. */
export function formatNumber(value: number): string {
  if (value !== 0 && Math.abs(value) < 0.01) return 'almost 0';
  return String(round(value, Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2));
}

/** Such as `19 h`, `6.4 of 10`, `12 %`. */
export function formatValue(name: MetricName, value: number): string {
  const { unit, label } = metrics[name];
  const number = formatNumber(value);
  // Bugs are named in their label.
  if (unit === '' || label.toLowerCase().includes(unit)) return number;
  return `${number} ${number === '1' ? unit.replace(/s$/, '') : unit}`;
}

/** Such as `up 61 %`; growth that no per cent makes clearer is put in words. */
export function formatChange(percent: number | null): string {
  if (percent === null) return 'up from nothing';
  if (percent >= 1000) return 'more than ten times as much';
  if (Math.abs(percent) < 1) return 'as before';
  return `${percent > 0 ? 'up' : 'down'} ${Math.round(Math.abs(percent))} %`;
}

export const percentOf = (share: number): string => `${Math.round(share * 100)} %`;

export const count = (number: number, one: string): string =>
  `${formatNumber(number)} ${one}${number === 1 ? '' : 's'}`;
