import { stripVTControlCharacters } from 'node:util';
import { printable } from './printable.ts';
import { paint } from './table.ts';
import { cut, widthOf } from './width.ts';

/** As much room as there is to draw on. */
export interface Screen {
  columns: number;
  rows: number;
}

/** A terminal, or what stands for one. */
export interface Terminal {
  output: NodeJS.WritableStream & { columns?: number; rows?: number };
  input: NodeJS.ReadableStream & { isTTY?: boolean; setRawMode?: (isRaw: boolean) => unknown };
}

const ENTER = '\u001B[?1049h\u001B[?25l';
const LEAVE = '\u001B[?25h\u001B[?1049l';
const HOME = '\u001B[H';
const REST_OF_LINE = '\u001B[K';
const REST_OF_SCREEN = '\u001B[J';
const CTRL_C = '\u0003';

/**
 * Draws in place, again and again, until q or Ctrl-C; what was on the terminal before comes back. What cannot be drawn at first
 * is an error; later it is a moment without an answer, which is shown and passes.
 */
export async function live(
  draw: (screen: Screen) => Promise<string>,
  {
    everyMs,
    terminal = process.stdout.isTTY ? { output: process.stdout, input: process.stdin } : undefined,
  }: {
    everyMs: number;
    terminal?: Terminal | undefined;
  },
): Promise<void> {
  if (!terminal) throw new Error('there is no terminal to draw on');
  const { output, input } = terminal;
  const { promise: left, resolve: leave } = Promise.withResolvers<'left'>();
  let wake = (): void => undefined;
  let hasDrawn = false;
  const onKey = (chunk: Buffer | string): void => {
    if (['q', 'Q', CTRL_C].includes(String(chunk))) leave('left');
  };
  const onSignal = (): void => leave('left');
  const onResize = (): void => wake();
  input.setRawMode?.(true);
  input.on('data', onKey).resume();
  output.on('resize', onResize);
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
  output.write(ENTER);
  try {
    for (;;) {
      const screen = { columns: output.columns ?? 80, rows: output.rows ?? 24 };
      // Made before it is drawn: a change of size meanwhile is not lost.
      const { promise: woken, resolve } = Promise.withResolvers<void>();
      wake = resolve;
      const drawing = hasDrawn ? draw(screen).catch(describeSilence) : draw(screen);
      const drawn = await Promise.race([left, drawing]);
      if (drawn === 'left') return;
      hasDrawn = true;
      output.write(fit(drawn, screen));
      const timer = setTimeout(resolve, everyMs);
      const isLeft = (await Promise.race([left, woken])) === 'left';
      clearTimeout(timer);
      if (isLeft) return;
    }
  } finally {
    output.write(LEAVE);
    input.off('data', onKey).pause();
    input.setRawMode?.(false);
    output.off('resize', onResize);
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
  }
}

const describeSilence = (error: unknown): string =>
  paint('red', printable(`no answer: ${error instanceof Error ? error.message : String(error)}`));

/** Nothing may wrap or scroll: either would leave the picture in pieces. */
function fit(text: string, { columns, rows }: Screen): string {
  const lines = text.split('\n').slice(0, Math.max(1, rows - 1));
  const fitted = lines.map((line) => {
    const plain = stripVTControlCharacters(line);
    return widthOf(plain) <= columns ? line : cut(plain, columns);
  });
  return HOME + fitted.map((line) => `${line}${REST_OF_LINE}`).join('\n') + REST_OF_SCREEN;
}
