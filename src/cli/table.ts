import { stripVTControlCharacters, styleText } from 'node:util';

type Row = Record<string, string>;

interface TableOptions {
  /** Default: the terminal’s, and as wide as it takes where none is there. */
  width?: number | undefined;
}

const GAP = 2;
/** A column that must give way keeps so much. */
const LEAST = 8;

/** Rows as aligned columns, headed by their keys, cut to the terminal; ids are never cut. */
export function table(rows: readonly Row[], { width = terminalWidth() }: TableOptions = {}): string {
  const [first] = rows;
  if (!first) return '(none)';
  const columns = Object.keys(first);
  const cells = rows.map((row) =>
    Object.fromEntries(columns.map((name) => [name, printable(row[name] ?? '')])),
  );
  const widths = new Map(
    columns.map((name) => [name, Math.max(name.length, ...cells.map((row) => row[name]?.length ?? 0))]),
  );
  squeeze(widths, width);
  const line = (row: Row, paint: (name: string, text: string) => string): string =>
    columns
      .map((name, index) => {
        const size = widths.get(name) ?? 0;
        const text = cut(row[name] ?? '', size);
        const isLast = index === columns.length - 1;
        return paint(name, text) + (isLast ? '' : ' '.repeat(size - text.length + GAP));
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

/** The widest columns give way first. */
function squeeze(widths: Map<string, number>, width: number): void {
  const total = () => [...widths.values()].reduce((sum, each) => sum + each + GAP, -GAP);
  while (total() > width) {
    const [widest] = [...widths]
      .filter(([name, size]) => !isId(name) && size > Math.max(LEAST, name.length))
      .toSorted((a, b) => b[1] - a[1]);
    if (!widest) return;
    widths.set(widest[0], widest[1] - 1);
  }
}

const isId = (name: string): boolean => name === 'id' || name.endsWith(' id');

const cut = (text: string, size: number): string =>
  text.length <= size ? text : `${text.slice(0, Math.max(0, size - 1))}…`;

/** What others wrote must neither move the cursor nor colour what follows. */
export const printable = (text: string): string =>
  stripVTControlCharacters(text).replaceAll(/\p{Cc}+/gu, ' ');

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
