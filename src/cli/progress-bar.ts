import type { TaskView } from '../wire.ts';
import { printable } from './printable.ts';
import { cut } from './width.ts';

const WIDTH = 30;

export interface ProgressBar {
  show(state: string, progress: TaskView['progress']): void;
  end(): void;
}

/** Redraws one line on a terminal; elsewhere it writes a line for each change. */
export function createProgressBar(stream: NodeJS.WriteStream): ProgressBar {
  let last = '';
  return {
    show(state, progress) {
      const line = printable(drawBar(state, progress));
      if (line === last) return;
      last = line;
      // What wraps is not redrawn in place.
      stream.write(stream.isTTY ? `\r\u001B[2K${cut(line, stream.columns - 1)}` : `${line}\n`);
    },
    end() {
      if (stream.isTTY) stream.write('\n');
    },
  };
}

/** A task's state and progress as one line. */
export function drawBar(state: string, progress: TaskView['progress']): string {
  if (!progress) return state;
  const { current, total, message } = progress;
  if (!total) return [state, String(current), message].filter(Boolean).join('  ');
  const share = Math.min(1, Math.max(0, current / total));
  const filled = Math.round(share * WIDTH);
  const bar = `${'█'.repeat(filled)}${'░'.repeat(WIDTH - filled)}`;
  return `${state.padEnd(9)} ${bar} ${String(Math.round(share * 100)).padStart(3)} %  ${current}/${total}  ${message ?? ''}`.trimEnd();
}
