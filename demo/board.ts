import { moveCursor, clearScreenDown } from 'node:readline';
import { drawBar } from '../src/cli/progress-bar.ts';
import type { TaskView } from '../src/wire.ts';

const LABEL_WIDTH = 30;
const WIDE = 200;

export interface Board {
  show(label: string, state: string, progress: TaskView['progress']): void;
}

/** A line with a bar for each task: redrawn in place on a terminal, elsewhere a line for each task when it has ended. */
export function createBoard(stream: NodeJS.WriteStream): Board {
  const lines = new Map<string, string>();
  let drawn = 0;
  return {
    show(label, state, progress) {
      const line = `  ${label.padEnd(LABEL_WIDTH)} ${drawBar(state, progress)}`;
      if (lines.get(label) === line) return;
      lines.set(label, line);
      if (!stream.isTTY) {
        if (!['queued', 'scheduled', 'running', 'waiting', 'retrying'].includes(state))
          stream.write(`${line}\n`);
        return;
      }
      moveCursor(stream, 0, -drawn);
      clearScreenDown(stream);
      stream.write(
        [...lines.values()].map((text) => `${text.slice(0, (stream.columns || WIDE) - 1)}\n`).join(''),
      );
      drawn = lines.size;
    },
  };
}
