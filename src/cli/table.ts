import { styleText } from 'node:util';
import { printable } from './printable.ts';
import { cut, widthOf } from './width.ts';

type Row = Record<string, string>;

interface TableOptions {
  /** Default: the terminal’s, and as wide as it takes where none is there. */
  width?: number | undefined;
  /** Columns that go first where there is no room for all; then those from the right. */
  spare?: readonly string[];
}

const GAP = 2;
/** A column that must give way keeps so much. */
const LEAST = 8;

/** Rows as aligned columns, headed by their keys, fitted to the terminal; ids and states are never cut. */
export function table(
  rows: readonly Row[],
  { width = terminalWidth(), spare = [] }: TableOptions = {},
): string {
  const [first] = rows;
  if (!first) return '(none)';
  const named = Object.keys(first);
  const cells = rows.map((row) =>
    Object.fromEntries(named.map((name) => [name, printable(row[name] ?? '')])),
  );
  const widths = new Map(
    named.map((name) => [name, Math.max(name.length, ...cells.map((row) => widthOf(row[name] ?? '')))]),
  );
  leaveOut(widths, width, spare);
  squeeze(widths, width);
  const columns = [...widths.keys()];
  const line = (row: Row, paint: (name: string, text: string) => string): string =>
    columns
      .map((name, index) => {
        const size = widths.get(name) ?? 0;
        const text = cut(row[name] ?? '', size);
        const isLast = index === columns.length - 1;
        return paint(name, text) + (isLast ? '' : ' '.repeat(size - widthOf(text) + GAP));
      })
      .join('')
      .trimEnd();
  const head = Object.fromEntries(columns.map((name) => [name, name.toUpperCase()]));
  return [line(head, (_name, text) => paint('dim', text)), ...cells.map((row) => line(row, paintCell))].join(
    '\n',
  );
}

const terminalWidth = (): number =>
  process.stdout.isTTY ? Math.max(40, process.stdout.columns ?? 80) : Number.POSITIVE_INFINITY;

type Widths = Map<string, number>;
const total = (sizes: Iterable<number>): number => [...sizes].reduce((sum, each) => sum + each + GAP, -GAP);
const leastOf = ([name, size]: [string, number]): number =>
  isWhole(name) ? size : Math.min(size, Math.max(LEAST, name.length));

/** Whole columns go while not even the least of each has room; the first one, ids and states stay. */
function leaveOut(widths: Widths, width: number, spare: readonly string[]): void {
  const fromTheRight = [...widths.keys()].slice(1).toReversed();
  for (const name of [...spare, ...fromTheRight]) {
    if (total([...widths].map(leastOf)) <= width) return;
    if (!isWhole(name)) widths.delete(name);
  }
}

/** The widest columns give way first. */
function squeeze(widths: Widths, width: number): void {
  while (total(widths.values()) > width) {
    const [widest] = [...widths]
      .filter(([name, size]) => size > leastOf([name, size]))
      .toSorted((a, b) => b[1] - a[1]);
    if (!widest) return;
    widths.set(widest[0], widest[1] - 1);
  }
}

/** Half an id is none, and half a state is not to be told from another. */
const isWhole = (name: string): boolean => name === 'id' || name.endsWith(' id') || name === 'state';

type Colour = Parameters<typeof styleText>[0];

/** In colour only on a terminal, and where NO_COLOR is not set. */
export const paint = (colour: Colour, text: string): string =>
  styleText(colour, text, { stream: process.stdout });

const COLOURS: Record<string, Colour> = {
  succeeded: 'green',
  delivered: 'green',
  live: 'green',
  active: 'green',
  finished: 'green',
  running: 'cyan',
  draining: 'yellow',
  retrying: 'yellow',
  paused: 'yellow',
  failed: 'red',
  lost: 'red',
  revoked: 'red',
  cancelled: 'dim',
  expired: 'dim',
  stopped: 'dim',
  ended: 'dim',
};

function paintCell(name: string, text: string): string {
  const colour = name === 'state' || name === 'outcome' ? COLOURS[text] : undefined;
  return colour === undefined ? text : paint(colour, text);
}

/** Facts about one thing, one a line. */
export function facts(lines: readonly (readonly [what: string, value: string | null])[]): string {
  const told = lines.filter(([, value]) => value !== null && value !== '');
  const width = Math.max(0, ...told.map(([what]) => what.length));
  return told
    .map(([what, value]) => `${paint('dim', what.padEnd(width))}  ${paintCell(what, printable(value ?? ''))}`)
    .join('\n');
}
