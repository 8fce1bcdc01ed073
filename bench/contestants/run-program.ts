import { fileURLToPath } from 'node:url';
import { startProcess, type MeasuredProcess } from '../measure/process.ts';

/** A contestant's own program in a process of its own. */
export const startProgram = (name: string, args: readonly (string | number)[]): MeasuredProcess =>
  startProcess([fileURLToPath(new URL(`./${name}.ts`, import.meta.url)), ...args.map(String)]);

/** The one figure that such a program prints. */
export async function runProgram(name: string, args: readonly (string | number)[]): Promise<number> {
  const printed = await startProgram(name, args).finished;
  const figure = Number(printed || NaN);
  if (!Number.isFinite(figure)) throw new Error(`${name} printed "${printed.slice(0, 200)}" and no figure`);
  return figure;
}
