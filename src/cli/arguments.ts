import { parseArgs, type ParseArgsConfig } from 'node:util';
import { UsageError } from './command.ts';

type Options = NonNullable<ParseArgsConfig['options']>;

/** Flags and words of a command. @throws UsageError for what it does not know. */
export function readArguments<const O extends Options>(args: readonly string[], options: O, words = 0) {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options,
      allowPositionals: true,
      strict: true,
    });
    if (positionals.length > words) throw new Error(`unexpected argument "${positionals[words]}"`);
    return { values, positionals };
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

export function wholeNumber(text: string, flag: string, min: number, max: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= min && value <= max) return value;
  throw new UsageError(`${flag} must be a whole number from ${min} to ${max}, got "${text}"`);
}

export const optionalNumber = (text: string | undefined, flag: string, min: number, max: number) =>
  text === undefined ? undefined : wholeNumber(text, flag, min, max);
