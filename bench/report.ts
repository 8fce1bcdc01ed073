import { writeFile } from 'node:fs/promises';
import type { Claim } from './bench.ts';
import { figure } from './measure/statistics.ts';

const MARK = { true: '✓', false: '✗' };
const markOf = (claim: Claim) => MARK[`${claim.bar.isHeld}`];

/** One line: the figure, its spread, the bar, and whether it holds. */
export function lineOf(claim: Claim): string {
  const { what, value, min, max, unit, bar } = claim;
  const range = min === max ? '' : ` (${figure(min)} – ${figure(max)})`;
  return `${markOf(claim)} ${what}: ${figure(value)}${unit}${range}, bar ${bar.text}${bar.isHeld ? '' : '  MISSED'}`;
}

export function summaryTable(claims: readonly Claim[]): string {
  const rows = claims.map((claim) => [
    claim.what,
    `${figure(claim.value)}${claim.unit}`,
    `${figure(claim.min)} – ${figure(claim.max)}`,
    claim.bar.text,
    claim.bar.isHeld ? '✓' : '✗ missed',
  ]);
  const table = [['claim', 'measured', 'min – max', 'bar', ''], ...rows];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...table.map((row) => (row[column] ?? '').length)));
  const line = (row: string[]) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  const missed = claims.filter((claim) => !claim.bar.isHeld).length;
  const verdict =
    missed === 0 ? `All ${claims.length} bars hold.` : `${missed} of ${claims.length} bars are missed.`;
  return [...table.map(line), '', verdict].join('\n');
}

export async function writeJson(file: string, report: object): Promise<void> {
  await writeFile(file, `${JSON.stringify(report, null, 2)}\n`);
}
